//! The codecs with field names: what they refuse to write, and how arguments find their names.

use std::collections::{BTreeMap, HashMap};

use meshrpc::{
    codec::{self, ArgsReader, ArgsWriter, DecodeError, MAX_DEPTH},
    contract::MethodSpec,
    wire::Codec,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Every codec with names that is compiled in.
const CODECS: &[Codec] = if cfg!(feature = "json") {
    &[Codec::FieldNamed, Codec::Json]
} else {
    &[Codec::FieldNamed]
};

static PUT: MethodSpec = MethodSpec::unary("put", 1, &["id", "name", "note"], |schema| {
    schema.argument::<u64>();
    schema.argument::<String>();
    schema.argument::<Option<String>>();
    schema.reply::<()>();
});

fn round_trip<T: Serialize + DeserializeOwned>(codec: Codec, value: &T) -> T {
    let mut bytes = Vec::new();
    codec::encode(codec, value, &mut bytes).unwrap_or_else(|error| panic!("{codec:?}: {error}"));
    codec::decode(codec, &bytes).unwrap_or_else(|error| panic!("{codec:?}: {error}"))
}

/// What `rmp_serde` writes for `value`, structs as maps.
fn message_pack<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("a value that can be written")
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Card { owner: std::net::IpAddr },
    Empty,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u64),
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Rich {
    id: uuid::Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    nick: Option<String>,
    tagged: Vec<Tagged>,
    untagged: Untagged,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[test]
fn types_that_describe_themselves_read_back_equal() {
    let value = Rich {
        id: uuid::Uuid::from_u128(7),
        nick: None,
        tagged: vec![
            Tagged::Card {
                owner: "127.0.0.1".parse().expect("an address"),
            },
            Tagged::Empty,
        ],
        untagged: Untagged::Text("x".into()),
        rest: [("extra".to_owned(), serde_json::json!({"a": [1, null, "b"]}))].into(),
    };
    for codec in CODECS {
        assert_eq!(round_trip(*codec, &value), value);
    }
}

#[test]
fn wide_integers_and_bytes_read_back_equal() {
    for codec in CODECS {
        for number in [0, 1, u128::from(u64::MAX) + 1, u128::MAX] {
            assert_eq!(round_trip(*codec, &number), number);
        }
        for number in [i128::MIN, -1, i128::from(i64::MIN) - 1] {
            assert_eq!(round_trip(*codec, &number), number);
        }
    }
    let bytes = serde_bytes::ByteBuf::from((0..=255).collect::<Vec<u8>>());
    assert_eq!(round_trip(Codec::FieldNamed, &bytes), bytes);
}

#[test]
fn some_of_nil_is_refused_by_name() {
    #[derive(Serialize)]
    struct Patch<T> {
        name: String,
        email: T,
    }
    #[derive(Serialize)]
    struct Maybe(Option<u8>);
    for codec in CODECS {
        refuse(
            *codec,
            &Patch {
                name: "m".into(),
                email: Some(None::<u8>),
            },
        );
        refuse(
            *codec,
            &Patch {
                name: "m".into(),
                email: Some(()),
            },
        );
        refuse(
            *codec,
            &Patch {
                name: "m".into(),
                email: Some(Maybe(None)),
            },
        );
        refuse(
            *codec,
            &Patch {
                name: "m".into(),
                email: vec![Some(serde_json::Value::Null)],
            },
        );

        assert_eq!(round_trip(*codec, &Some(Some(1u8))), Some(Some(1)));
        assert_eq!(round_trip(*codec, &None::<Option<u8>>), None);
        assert_eq!(
            round_trip(*codec, &Some(vec![None::<u8>])),
            Some(vec![None])
        );
        assert_eq!(round_trip(*codec, &(Some(1u8), ())), (Some(1), ()));
    }

    #[track_caller]
    fn refuse<T: Serialize>(codec: Codec, value: &T) {
        let mut out = vec![9];
        let error = codec::encode(codec, value, &mut out).unwrap_err();
        assert_eq!(out, [9], "nothing is left behind");
        let message = error.to_string();
        assert!(message.contains("nil"), "{message}");
        assert!(
            message.contains("Patch") || message.contains("Maybe"),
            "{message}"
        );
        assert!(!error.needs_field_names(), "names do not help");
    }
}

#[test]
fn bytes_that_follow_the_value_are_an_error() {
    let error = codec::decode::<u8>(Codec::FieldNamed, &[1, 2]).unwrap_err();
    assert!(error.to_string().contains("1 bytes follow"), "{error}");
}

#[test]
fn nesting_ends_in_an_error_before_the_stack_does() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Chain(Option<Box<Chain>>);
    #[derive(Debug, Serialize, Deserialize)]
    struct Node {
        name: String,
        children: Vec<Node>,
    }
    #[derive(Debug, Serialize, Deserialize)]
    enum Expression {
        Not(Box<Expression>),
        Both {
            left: Box<Expression>,
            right: Box<Expression>,
        },
        Done,
    }
    on_a_small_stack(|| {
        for bytes in [
            vec![0x91; 100_000],
            [vec![0x91; 100_000], vec![0xC0]].concat(),
        ] {
            codec::decode::<serde_json::Value>(Codec::FieldNamed, &bytes).unwrap_err();
        }
        // A single byte, which a format's own limit does not see.
        let error = codec::decode::<Chain>(Codec::FieldNamed, &[1]).unwrap_err();
        assert!(error.to_string().contains("nested deeper"), "{error}");
        if cfg!(feature = "json") {
            codec::decode::<Chain>(Codec::Json, b"1").unwrap_err();
            codec::decode::<serde_json::Value>(Codec::Json, "[".repeat(100_000).as_bytes())
                .unwrap_err();
        }

        for codec in CODECS {
            let mut node = Node {
                name: String::new(),
                children: Vec::new(),
            };
            let mut expression = Expression::Done;
            let mut refused = 0;
            for _ in 0..MAX_DEPTH {
                node = Node {
                    name: "n".into(),
                    children: vec![node],
                };
                let left = Box::new(Expression::Not(Box::new(expression)));
                expression = Expression::Both {
                    left,
                    right: Box::new(Expression::Done),
                };
                refused += u32::from(!reads_what_it_writes(*codec, &node));
                refused += u32::from(!reads_what_it_writes(*codec, &expression));
            }
            assert!(refused > 0, "{codec:?} has a limit");
        }
    });

    fn reads_what_it_writes<T: Serialize + DeserializeOwned>(codec: Codec, value: &T) -> bool {
        let mut bytes = Vec::new();
        if codec::encode(codec, value, &mut bytes).is_err() {
            return false;
        }
        codec::decode::<T>(codec, &bytes).unwrap_or_else(|error| panic!("{codec:?}: {error}"));
        true
    }
}

#[test]
fn lengths_that_lie_are_an_error() {
    for bytes in [
        vec![0xDD, 0xFF, 0xFF, 0xFF, 0xFF],
        vec![0xDF, 0xFF, 0xFF, 0xFF, 0xFF, 0xC0],
        vec![0xC6, 0xFF, 0xFF, 0xFF, 0xFF, 0],
        vec![0xDB, 0xFF, 0xFF, 0xFF, 0xFF],
        vec![0xDC, 0x00],
        vec![0xC1],
        vec![],
    ] {
        codec::decode::<Vec<()>>(Codec::FieldNamed, &bytes).unwrap_err();
        codec::decode::<HashMap<u8, u8>>(Codec::FieldNamed, &bytes).unwrap_err();
        codec::decode::<serde_bytes::ByteBuf>(Codec::FieldNamed, &bytes).unwrap_err();
    }
}

#[test]
fn arguments_are_one_map_of_names() {
    #[derive(Serialize)]
    struct Body {
        id: u64,
        name: &'static str,
        note: Option<&'static str>,
    }
    let body = Body {
        id: 7,
        name: "Max",
        note: None,
    };
    assert_eq!(write(Codec::FieldNamed), message_pack(&body));
    if cfg!(feature = "json") {
        assert_eq!(write(Codec::Json), br#"{"id":7,"name":"Max","note":null}"#);
    }
    for codec in [Codec::Positional].iter().chain(CODECS) {
        let (id, name, note) = read(*codec, &write(*codec)).expect("what was written");
        assert_eq!((id, name.as_str(), note), (7, "Max", None));
    }

    fn write(codec: Codec) -> Vec<u8> {
        let mut out = Vec::new();
        let mut arguments = ArgsWriter::new(codec, &PUT, &mut out);
        arguments.put(&7u64).expect("a number");
        arguments.put("Max").expect("a text");
        arguments.put(&None::<&str>).expect("an option");
        arguments.finish().expect("three arguments");
        out
    }
}

fn read(codec: Codec, body: &[u8]) -> Result<(u64, String, Option<String>), DecodeError> {
    let mut arguments = ArgsReader::new(codec, PUT.arguments, body)?;
    let values = (arguments.take()?, arguments.take()?, arguments.take()?);
    arguments.finish()?;
    Ok(values)
}

/// The body `json` in a codec with names.
fn body(codec: Codec, json: &str) -> Vec<u8> {
    match codec {
        Codec::Json => json.as_bytes().to_vec(),
        _ => message_pack(&serde_json::from_str::<serde_json::Value>(json).expect("JSON")),
    }
}

#[test]
fn arguments_are_found_by_name_in_any_order() {
    for codec in CODECS {
        let json = r#"{"note": "n", "extra": {"deep": [[1], null]}, "name": "Max", "id": 7}"#;
        let (id, name, note) = read(*codec, &body(*codec, json)).expect("all arguments");
        assert_eq!((id, name.as_str(), note.as_deref()), (7, "Max", Some("n")));
    }
}

#[test]
fn a_missing_argument_is_null_where_its_type_accepts_that() {
    for codec in CODECS {
        let (_, _, note) = read(*codec, &body(*codec, r#"{"id": 7, "name": "Max"}"#))
            .expect("the note is optional");
        assert_eq!(note, None);
        let error = read(*codec, &body(*codec, r#"{"id": 7}"#)).unwrap_err();
        assert_eq!(error.argument(), Some("name"));
        assert!(error.to_string().contains("missing"), "{error}");
        let error = read(*codec, b"").unwrap_err();
        assert_eq!(error.argument(), Some("id"));
    }
}

#[test]
fn an_argument_of_another_type_is_named() {
    for codec in CODECS {
        let error = read(*codec, &body(*codec, r#"{"id": "seven", "name": "Max"}"#)).unwrap_err();
        assert_eq!(error.argument(), Some("id"));
        assert!(error.to_string().contains("u64"), "{error}");
    }
}

#[test]
fn an_argument_that_occurs_twice_is_an_error() {
    let twice = [&[0x82], &[0xA2][..], b"id", &[1, 0xA2], b"id", &[2]].concat();
    let error = read(Codec::FieldNamed, &twice).unwrap_err();
    assert!(error.to_string().contains("`id` occurs twice"), "{error}");
    if cfg!(feature = "json") {
        let error = read(Codec::Json, br#"{"id": 1, "id": 2}"#).unwrap_err();
        assert!(error.to_string().contains("`id` occurs twice"), "{error}");
    }
}

#[test]
fn a_body_that_is_no_map_is_an_error() {
    for codec in CODECS {
        for json in ["[7, \"Max\", null]", "7", "null"] {
            let error = read(*codec, &body(*codec, json)).unwrap_err();
            assert!(error.to_string().contains("no map of names"), "{error}");
        }
    }
    let error = read(Codec::FieldNamed, &[0x80, 0x80]).unwrap_err();
    assert!(error.to_string().contains("1 bytes follow"), "{error}");
    if cfg!(feature = "json") {
        read(Codec::Json, b"{} {}").unwrap_err();
    }
}

#[test]
fn an_unknown_argument_of_any_depth_is_skipped() {
    let mut deep = [&[0x82][..], &[0xA5], b"extra"].concat();
    deep.extend(vec![0x91; 200_000]);
    deep.extend([0xC0, 0xA2]);
    deep.extend(b"id");
    deep.push(7);
    on_a_small_stack(move || {
        let mut arguments = ArgsReader::new(Codec::FieldNamed, &["id"], &deep).expect("a map");
        assert_eq!(arguments.take::<u64>().expect("a number"), 7);
    });
}

#[test]
fn too_few_and_too_many_arguments_are_an_error() {
    for codec in [Codec::Positional].iter().chain(CODECS) {
        let mut out = Vec::new();
        let mut arguments = ArgsWriter::new(*codec, &PUT, &mut out);
        arguments.put(&7u64).expect("a number");
        arguments.finish().unwrap_err();
        assert!(out.is_empty());

        let mut arguments = ArgsWriter::new(*codec, &PUT, &mut out);
        arguments.put(&7u64).expect("a number");
        arguments.put("Max").expect("a text");
        arguments.put(&None::<&str>).expect("an option");
        let error = arguments.put(&1u8).unwrap_err();
        assert!(
            error.to_string().contains("4 arguments for a method of 3"),
            "{error}"
        );
    }
}

#[test]
fn an_argument_that_cannot_be_written_is_named() {
    static PATCH: MethodSpec = MethodSpec::unary("patch", 1, &["email"], |schema| {
        schema.argument::<Option<Option<String>>>();
    });
    for codec in CODECS {
        let mut out = Vec::new();
        let error = ArgsWriter::new(*codec, &PATCH, &mut out)
            .put(&Some(None::<String>))
            .unwrap_err();
        assert_eq!(error.argument(), Some("email"));
        assert!(out.is_empty());
    }
}

#[cfg(feature = "json")]
#[test]
fn json_refuses_numbers_it_cannot_write() {
    let mut out = Vec::new();
    for number in [f64::NAN, f64::INFINITY] {
        codec::encode(Codec::Json, &vec![number], &mut out).unwrap_err();
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;
    codec::encode(Codec::Json, &Some(Unit), &mut out).unwrap_err();
    assert_eq!(round_trip(Codec::FieldNamed, &Some(Unit)), Some(Unit));
}

#[cfg(not(feature = "json"))]
#[test]
fn json_says_that_it_is_off() {
    let error = codec::encode(Codec::Json, "x", &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("feature `json`"), "{error}");
    let error = codec::decode::<String>(Codec::Json, b"\"x\"").unwrap_err();
    assert!(error.to_string().contains("feature `json`"), "{error}");
    let error = read(Codec::Json, b"{}").unwrap_err();
    assert!(error.to_string().contains("feature `json`"), "{error}");
}

/// Runs `test` with the stack that tokio gives its workers.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(test)
        .expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
