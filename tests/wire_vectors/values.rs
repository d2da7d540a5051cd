//! Values in each codec, request bodies, and the items of a stream.

use std::{collections::BTreeMap, fmt::Debug};

use bytes::Bytes;
use meshrpc::{
    codec::{self, ArgsReader, ArgsWriter},
    contract::MethodSpec,
    wire::{Codec, ItemReader, put_item_prefix},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

use crate::{check, from_hex, hex, read};

const FILE: &str = "values.json";
const ITEMS: &str = "items.json";

/// A value, and its bytes; none where a codec has to refuse it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vector {
    name: String,
    /// In Rust's words.
    r#type: String,
    value: String,
    positional: Option<String>,
    field_named: Option<String>,
    json: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    label: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Meters(f64);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Marker;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle(u32),
    Line(u8, u8),
    Box { width: u16, height: u16 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<u8>,
    last: bool,
}

static PLACE: MethodSpec = MethodSpec::unary("place", 1, &["id", "note"], |schema| {
    schema.argument::<u64>();
    schema.argument::<Option<String>>();
});

#[test]
fn values_are_written_as_the_vectors_say() {
    check(FILE, &built());
}

#[test]
fn items_are_cut_as_the_vectors_say() {
    let build = |name: &str, values: &[(&[u8], bool)]| {
        let mut out = Vec::new();
        let mut items = Vec::new();
        for (value, field_named) in values {
            put_item_prefix(&mut out, value.len(), *field_named);
            out.extend_from_slice(value);
            items.push((*field_named, hex(value)));
        }
        Items {
            name: name.into(),
            hex: hex(&out),
            items,
        }
    };
    let long = [7; 32];
    check(
        ITEMS,
        &[
            build("one", &[(b"\x01", false)]),
            build("empty", &[(b"", false), (b"", true)]),
            build(
                "mixed",
                &[(b"\x01", false), (b"\xa1x", true), (b"\x02", false)],
            ),
            build("prefix-of-two-bytes", &[(&long, false), (&long, true)]),
        ],
    );
    for vector in read::<Items>(ITEMS) {
        // Wherever they are cut.
        for at in 0..=vector.hex.len() / 2 {
            let mut reader = ItemReader::new(1 << 20);
            let mut bytes = Bytes::from(from_hex(&vector.hex));
            let mut found = Vec::new();
            for piece in [bytes.split_to(at), bytes] {
                reader.push(piece);
                while let Some(item) = reader.next().expect("items") {
                    found.push((item.field_named, hex(item.bytes)));
                }
            }
            assert_eq!(found, vector.items, "`{}`, cut at {at}", vector.name);
            assert!(reader.is_between(), "`{}` ends in an item", vector.name);
        }
    }
}

/// The bytes of a direction, and its items.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Items {
    name: String,
    hex: String,
    /// Whether it is field-named, and the value.
    items: Vec<(bool, String)>,
}

fn built() -> Vec<Vector> {
    [numbers(), texts(), compounds(), refused(), requests()]
        .into_iter()
        .flatten()
        .collect()
}

fn numbers() -> Vec<Vector> {
    vec![
        of("bool", "bool", &true),
        of("u8", "u8", &255u8),
        of("i8", "i8", &-1i8),
        of("u16-one-byte", "u16", &250u16),
        of("u16-three-bytes", "u16", &251u16),
        of("u32", "u32", &65_536u32),
        of("u64-small", "u64", &7u64),
        of("u64", "u64", &u64::MAX),
        of("i16", "i16", &-2i16),
        of("i32", "i32", &-126i32),
        of("i64", "i64", &i64::MIN),
        of("u128-small", "u128", &250u128),
        of("u128", "u128", &(1u128 << 100)),
        of("i128", "i128", &-1i128),
        of("f32", "f32", &1.5f32),
        of("f64", "f64", &-0.1f64),
    ]
}

fn texts() -> Vec<Vector> {
    vec![
        of("char", "char", &'ä'),
        of("text-empty", "String", &String::new()),
        of("text", "String", &"Max".to_owned()),
        of("text-long", "String", &"m".repeat(300)),
        of("bytes", "bytes", &ByteBuf::from(vec![0, 255])),
        of("list-of-bytes", "Vec<u8>", &vec![0u8, 255]),
    ]
}

fn compounds() -> Vec<Vector> {
    let point = |label: Option<&str>| Point {
        x: -1,
        label: label.map(Into::into),
    };
    vec![
        of("unit", "()", &()),
        of("unit-struct", "Marker", &Marker),
        of("none", "Option<u8>", &None::<u8>),
        of("some", "Option<u8>", &Some(7u8)),
        of("list", "Vec<u32>", &vec![1u32, 300]),
        of("list-empty", "Vec<u32>", &Vec::<u32>::new()),
        of("tuple", "(u8, String)", &(1u8, "a".to_owned())),
        of("array", "[u16; 3]", &[1u16, 2, 3]),
        of(
            "map",
            "BTreeMap<String, u8>",
            &BTreeMap::from([("a".to_owned(), 1u8), ("b".to_owned(), 2)]),
        ),
        of(
            "map-of-numbers",
            "BTreeMap<u8, bool>",
            &BTreeMap::from([(1u8, true)]),
        ),
        of("newtype", "Meters", &Meters(2.5)),
        of(
            "struct",
            "Point { x: i32, label: Option<String> }",
            &point(Some("p")),
        ),
        of(
            "struct-none",
            "Point { x: i32, label: Option<String> }",
            &point(None),
        ),
        of("enum-unit", "Shape", &Shape::Empty),
        of("enum-newtype", "Shape", &Shape::Circle(300)),
        of("enum-tuple", "Shape", &Shape::Line(1, 2)),
        of(
            "enum-struct",
            "Shape",
            &Shape::Box {
                width: 1,
                height: 2,
            },
        ),
        of("result-ok", "Result<u8, String>", &Ok::<u8, String>(1)),
        of(
            "result-err",
            "Result<u8, String>",
            &Err::<u8, String>("no".into()),
        ),
    ]
}

/// What a codec would lose.
fn refused() -> Vec<Vector> {
    vec![
        of("some-none", "Option<Option<u8>>", &Some(None::<u8>)),
        of("some-unit", "Option<()>", &Some(())),
        of(
            "field-left-out",
            "Sparse, whose note is left out if there is none",
            &Sparse {
                note: None,
                last: true,
            },
        ),
        // Not a number is equal to nothing, so it is not read back here.
        written("infinity", "f64", &f64::INFINITY),
    ]
}

fn requests() -> Vec<Vector> {
    let body = |name: &str, value: &str, note: Option<&str>| {
        let write = |codec| {
            let mut out = Vec::new();
            let mut args = ArgsWriter::new(codec, &PLACE, &mut out);
            args.put(&7u64).expect("a number");
            args.put(&note).expect("a text");
            args.finish().expect("both are there");
            let mut args = ArgsReader::new(codec, PLACE.arguments, &out).expect("a body");
            assert_eq!(args.take::<u64>().expect("a number"), 7);
            assert_eq!(
                args.take::<Option<String>>().expect("a text").as_deref(),
                note
            );
            args.finish().expect("that is all");
            out
        };
        Vector {
            name: name.into(),
            r#type: "the request body of place(id: u64, note: Option<String>)".into(),
            value: value.into(),
            positional: Some(hex(&write(Codec::Positional))),
            field_named: Some(hex(&write(Codec::FieldNamed))),
            json: Some(text(write(Codec::Json))),
        }
    };
    vec![
        body("request", "place(7, Some(\"x\"))", Some("x")),
        body("request-none", "place(7, None)", None),
    ]
}

/// A value that is read back from every codec that takes it.
fn of<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    name: &str,
    kind: &str,
    value: &T,
) -> Vector {
    for codec in [Codec::Positional, Codec::FieldNamed, Codec::Json] {
        if let Some(bytes) = encoded(codec, value) {
            let read: T = codec::decode(codec, &bytes)
                .unwrap_or_else(|error| panic!("`{name}` in {codec:?}: {error}"));
            assert_eq!(&read, value, "`{name}` in {codec:?}");
        }
    }
    written(name, kind, value)
}

fn written<T: Serialize + Debug>(name: &str, kind: &str, value: &T) -> Vector {
    Vector {
        name: name.into(),
        r#type: kind.into(),
        value: format!("{value:?}"),
        positional: encoded(Codec::Positional, value).as_deref().map(hex),
        field_named: encoded(Codec::FieldNamed, value).as_deref().map(hex),
        json: encoded(Codec::Json, value).map(text),
    }
}

fn encoded<T: Serialize>(codec: Codec, value: &T) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    codec::encode(codec, value, &mut out).ok().map(|()| out)
}

fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("JSON is text")
}
