//! Fingerprints: equal for equal types, different for different ones, 0 where bytes without names
//! would not do.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    num::{NonZeroU8, NonZeroU64},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use meshrpc::{
    codec::{self, ArgsWriter},
    contract::{MethodSpec, ServiceSpec},
    wire::Codec,
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

/// Fingerprint of a method that answers with a `T`.
fn fingerprint<T: DeserializeOwned>() -> u64 {
    method::<T>().fingerprint()
}

fn method<T: DeserializeOwned>() -> MethodSpec {
    MethodSpec::unary("get", 1, &[], |schema| schema.reply::<T>())
}

#[track_caller]
fn assert_known<T: DeserializeOwned>() {
    let method = method::<T>();
    assert_eq!(method.obstacle(), None, "{}", std::any::type_name::<T>());
    assert_ne!(method.fingerprint(), 0);
    assert_eq!(method.codec(), Codec::Positional);
}

#[track_caller]
fn assert_by_name_only<T: DeserializeOwned>() {
    let method = method::<T>();
    assert_eq!(method.fingerprint(), 0, "{}", std::any::type_name::<T>());
    assert!(
        method
            .obstacle()
            .is_some_and(|why| why.contains("describes itself")),
        "{:?}",
        method.obstacle()
    );
    assert_eq!(method.codec(), Codec::FieldNamed);
}

#[test]
fn types_of_std_and_common_crates_are_known() {
    assert_known::<()>();
    assert_known::<(u8, i128, f32, char, String, bool)>();
    assert_known::<Vec<Option<[u8; 4]>>>();
    assert_known::<HashMap<String, HashSet<u64>>>();
    assert_known::<Result<u8, String>>();
    assert_known::<Duration>();
    assert_known::<SystemTime>();
    assert_known::<IpAddr>();
    assert_known::<HashMap<SocketAddr, Vec<IpAddr>>>();
    assert_known::<PathBuf>();
    assert_known::<std::ops::Range<u32>>();
    assert_known::<std::ops::Bound<u32>>();
    assert_known::<(NonZeroU8, NonZeroU64, String)>();
    assert_known::<serde_bytes::ByteBuf>();
    assert_known::<(uuid::Uuid, u8)>();
    assert_known::<HashMap<uuid::Uuid, String>>();
    assert_known::<(chrono::DateTime<chrono::Utc>, u8)>();
    assert_known::<(
        chrono::NaiveDate,
        chrono::NaiveTime,
        chrono::NaiveDateTime,
        u8,
    )>();
    assert_known::<(chrono::Weekday, u8)>();
}

#[test]
fn a_value_that_is_checked_when_it_is_read_hides_nothing_behind_it() {
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    #[allow(dead_code)]
    struct Email(String);
    impl TryFrom<String> for Email {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            if text.contains('@') {
                Ok(Email(text))
            } else {
                Err("no @".into())
            }
        }
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Account {
        email: Email,
        impossible: Impossible,
        tags: Vec<u8>,
    }
    assert_known::<(Email, Vec<Email>, u32)>();
    assert_known::<Account>();
    assert_known::<Vec<Impossible>>();
    assert_known::<HashMap<Email, Account>>();
    // Its place in the tuple can be reached over an impossible value only.
    let unreachable = method::<(Impossible, Account)>();
    assert_eq!(unreachable.fingerprint(), 0);
    assert!(
        unreachable
            .obstacle()
            .is_some_and(|why| why.contains("could not be traced"))
    );

    impl std::hash::Hash for Email {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }
    impl PartialEq for Email {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Email {}
}

/// No text is good enough for it.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Impossible;

impl TryFrom<String> for Impossible {
    type Error = String;
    fn try_from(_: String) -> Result<Self, String> {
        Err("no".into())
    }
}

#[test]
fn recursive_types_are_known() {
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct List {
        value: u32,
        next: Option<Box<List>>,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Json {
        Array(Vec<Json>),
        Object(BTreeMap<String, Json>),
        Pair(Box<Json>, Box<Json>),
        Wrapped {
            inner: Box<Json>,
            comment: Option<String>,
        },
        Text(String),
        Null,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Expression {
        Not(Box<Expression>),
        And(Box<Expression>, Box<Expression>),
        Call(Call),
        Literal(i64),
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Call {
        function: String,
        arguments: Vec<Expression>,
        fallback: Option<Box<Call>>,
        checked: Impossible,
    }
    /// No value of it can exist.
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Endless(Box<Endless>);
    assert_known::<List>();
    assert_known::<Json>();
    assert_known::<Expression>();
    assert_known::<Vec<Endless>>();
}

#[test]
fn one_generic_type_has_a_shape_for_each_instance() {
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Page<T> {
        items: Vec<T>,
        next: Option<u64>,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Both {
        numbers: Page<u8>,
        texts: Page<String>,
    }
    assert_known::<Both>();
    assert_ne!(fingerprint::<Page<u8>>(), fingerprint::<Page<String>>());
    assert_ne!(
        fingerprint::<(Page<u8>, Page<String>)>(),
        fingerprint::<(Page<String>, Page<u8>)>()
    );
}

#[test]
fn types_of_one_name_are_told_apart() {
    mod other {
        #[derive(serde::Deserialize)]
        #[allow(dead_code)]
        pub(crate) struct Card {
            pub(crate) number: u64,
        }
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Card {
        title: String,
    }
    assert_known::<(Card, other::Card)>();
    assert_ne!(
        fingerprint::<(Card, other::Card)>(),
        fingerprint::<(Card, Card)>()
    );
}

#[test]
fn types_that_describe_themselves_are_found_wherever_they_are() {
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    #[allow(dead_code)]
    enum Internal {
        A { x: u8 },
        B,
    }
    #[derive(Deserialize)]
    #[serde(tag = "t", content = "c")]
    #[allow(dead_code)]
    enum Adjacent {
        A(u8),
        B(u8),
    }
    #[derive(Deserialize)]
    #[serde(tag = "t", content = "c")]
    #[allow(dead_code)]
    enum AdjacentUnits {
        A,
        B,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code)]
    enum Untagged {
        A(u8),
        B(String),
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Inner {
        x: u8,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Flat {
        y: u8,
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Deep {
        Plain,
        Hidden {
            list: Vec<Option<BTreeMap<u8, (u8, Untagged)>>>,
        },
    }
    assert_by_name_only::<Internal>();
    assert_by_name_only::<Adjacent>();
    assert_by_name_only::<AdjacentUnits>();
    assert_by_name_only::<Untagged>();
    assert_by_name_only::<Flat>();
    assert_by_name_only::<serde_json::Value>();
    assert_by_name_only::<serde_json::Map<String, serde_json::Value>>();
    assert_by_name_only::<Deep>();
    assert_by_name_only::<Result<Internal, String>>();

    let why = method::<Deep>().obstacle().expect("an obstacle");
    assert!(
        why.contains("the reply") && why.contains("`list`") && why.contains("`Hidden`"),
        "{why}"
    );
}

/// The type the following tests change in one point each.
mod card {
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[allow(dead_code)]
    pub(crate) struct Card {
        pub(crate) id: u32,
        pub(crate) owner: Owner,
    }

    #[derive(Deserialize)]
    #[allow(dead_code)]
    pub(crate) enum Owner {
        Nobody,
        Person { name: String },
    }
}

macro_rules! variation {
    ($module:ident: struct $card:tt enum $owner:tt) => {
        mod $module {
            #[derive(serde::Deserialize)]
            #[allow(dead_code)]
            pub(crate) struct Card $card
            #[derive(serde::Deserialize)]
            #[allow(dead_code)]
            pub(crate) enum Owner $owner
        }
    };
}

variation!(same: struct { pub(crate) id: u32, pub(crate) owner: Owner } enum { Nobody, Person { name: String } });
variation!(added: struct { pub(crate) id: u32, pub(crate) owner: Owner, pub(crate) extra: u8 } enum { Nobody, Person { name: String } });
variation!(renamed: struct { pub(crate) number: u32, pub(crate) owner: Owner } enum { Nobody, Person { name: String } });
variation!(reordered: struct { pub(crate) owner: Owner, pub(crate) id: u32 } enum { Nobody, Person { name: String } });
variation!(retyped: struct { pub(crate) id: u64, pub(crate) owner: Owner } enum { Nobody, Person { name: String } });
variation!(deep: struct { pub(crate) id: u32, pub(crate) owner: Owner } enum { Nobody, Person { name: Vec<u8> } });
variation!(variant: struct { pub(crate) id: u32, pub(crate) owner: Owner } enum { Nobody, Person { name: String }, Group });
variation!(variants_reordered: struct { pub(crate) id: u32, pub(crate) owner: Owner } enum { Person { name: String }, Nobody });
variation!(optional: struct { pub(crate) id: u32, pub(crate) owner: Option<Owner> } enum { Nobody, Person { name: String } });

#[test]
fn a_type_has_the_same_fingerprint_in_any_module() {
    assert_eq!(fingerprint::<card::Card>(), fingerprint::<same::Card>());
}

#[test]
fn any_change_of_a_type_changes_the_fingerprint() {
    let all = [
        fingerprint::<card::Card>(),
        fingerprint::<added::Card>(),
        fingerprint::<renamed::Card>(),
        fingerprint::<reordered::Card>(),
        fingerprint::<retyped::Card>(),
        fingerprint::<deep::Card>(),
        fingerprint::<variant::Card>(),
        fingerprint::<variants_reordered::Card>(),
        fingerprint::<optional::Card>(),
    ];
    let distinct: HashSet<u64> = all.into_iter().collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn fingerprints_do_not_change_between_builds() {
    // A change here means that old and new programs fall back to field names with each other.
    assert_eq!(fingerprint::<card::Card>(), CARD);
}

const CARD: u64 = 0xab1f_047c_d256_ed06;

#[test]
fn a_method_is_its_arguments_reply_and_error() {
    let methods = [
        MethodSpec::unary("a", 1, &["x", "y"], |s| {
            s.argument::<u8>();
            s.argument::<u8>();
            s.reply::<u8>();
        }),
        MethodSpec::unary("a", 1, &["y", "x"], |s| {
            s.argument::<u8>();
            s.argument::<u8>();
            s.reply::<u8>();
        }),
        MethodSpec::unary("a", 1, &["x"], |s| {
            s.argument::<(u8, u8)>();
            s.reply::<u8>();
        }),
        MethodSpec::unary("a", 1, &["x", "y"], |s| {
            s.argument::<u8>();
            s.argument::<u8>();
            s.reply::<u8>();
            s.error_text();
        }),
        MethodSpec::unary("a", 1, &["x", "y"], |s| {
            s.argument::<u8>();
            s.argument::<u8>();
            s.reply::<u8>();
            s.error::<String>();
        }),
    ];
    let distinct: HashSet<u64> = methods.iter().map(MethodSpec::fingerprint).collect();
    assert_eq!(distinct.len(), methods.len());
}

#[test]
fn the_offer_does_not_depend_on_the_order_of_the_methods() {
    static FORWARD: ServiceSpec = ServiceSpec {
        name: "Pair",
        methods: {
            static METHODS: [MethodSpec; 2] = [
                MethodSpec::unary("one", 1, &[], |s| s.reply::<u8>()),
                MethodSpec::unary("two", 2, &[], |s| s.reply::<serde_json::Value>()),
            ];
            &METHODS
        },
    };
    static BACKWARD: ServiceSpec = ServiceSpec {
        name: "Pair",
        methods: {
            static METHODS: [MethodSpec; 2] = [
                MethodSpec::unary("two", 2, &[], |s| s.reply::<serde_json::Value>()),
                MethodSpec::unary("one", 1, &[], |s| s.reply::<u8>()),
            ];
            &METHODS
        },
    };
    assert_eq!(FORWARD.offer().fingerprint, BACKWARD.offer().fingerprint);
    assert_eq!(FORWARD.offer().methods[1].fingerprint, 0);
    assert_ne!(FORWARD.offer().methods[0].fingerprint, 0);
}

#[test]
fn a_method_that_no_codec_can_carry_is_named() {
    static IMPOSSIBLE: ServiceSpec = ServiceSpec {
        name: "Store",
        methods: {
            static METHODS: [MethodSpec; 1] =
                [MethodSpec::unary("put", 1, &["value", "old"], |s| {
                    s.argument::<serde_json::Value>();
                    s.argument::<Option<Option<u8>>>();
                    s.reply::<()>();
                })];
            &METHODS
        },
    };
    let error = IMPOSSIBLE.check().unwrap_err().to_string();
    for part in ["`put`", "`Store`", "`value`", "`old`"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(method::<Option<Option<u8>>>().some_nil().is_some());
    assert!(method::<Vec<Option<()>>>().some_nil().is_some());
    assert!(method::<Option<Vec<()>>>().some_nil().is_none());
}

#[test]
fn fields_with_other_names_have_one_shape() {
    #[derive(Deserialize, Serialize)]
    struct Aliased {
        #[serde(alias = "aaa", alias = "zzz")]
        middle: u8,
        #[serde(rename = "kind", alias = "type")]
        sort: Sort,
    }
    #[derive(Deserialize, Serialize)]
    enum Sort {
        #[serde(alias = "first")]
        One(u8),
        Two {
            x: u8,
        },
    }
    assert_known::<Aliased>();
    assert_known::<(Aliased, Aliased, u8)>();
    let method = method::<Aliased>();
    for sort in [Sort::One(1), Sort::Two { x: 2 }] {
        let value = Aliased { middle: 1, sort };
        codec::encode_reply(Codec::Positional, &method, &value, &mut Vec::new())
            .expect("written as it is read");
    }
}

#[test]
fn tracing_ends_for_any_type() {
    /// Panics on what it does not expect.
    #[derive(Deserialize)]
    #[serde(from = "u8")]
    struct Panics;
    impl From<u8> for Panics {
        fn from(number: u8) -> Self {
            assert!(number > 200, "what a small number");
            Self
        }
    }
    /// Never asks for anything.
    struct Silent;
    impl<'de> Deserialize<'de> for Silent {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    #[derive(Deserialize)]
    enum Never {}
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Doubled<A, B> {
        left: A,
        right: B,
    }
    type Twice<T> = Doubled<T, T>;
    type Many<T> = Twice<Twice<Twice<Twice<T>>>>;
    assert_eq!(fingerprint::<(Panics, u8)>(), 0);
    assert_eq!(fingerprint::<Silent>(), 0);
    assert_known::<Vec<Never>>();
    assert_known::<Many<Many<Many<Many<Impossible>>>>>();
}

#[test]
fn what_a_type_writes_differently_than_it_reads_is_noticed() {
    #[derive(Serialize, Deserialize)]
    struct LeavesOut {
        #[serde(skip_serializing, default)]
        #[allow(dead_code)]
        secret: u8,
        shown: u8,
    }
    #[derive(Serialize, Deserialize)]
    #[serde(into = "String")]
    struct IntoOnly {
        text: u32,
    }
    impl From<IntoOnly> for String {
        fn from(value: IntoOnly) -> String {
            value.text.to_string()
        }
    }
    impl Clone for IntoOnly {
        fn clone(&self) -> Self {
            Self { text: self.text }
        }
    }
    #[derive(Serialize, Deserialize)]
    enum Skips {
        #[serde(skip)]
        #[allow(dead_code)]
        Internal,
        First(u8),
        Second(u8),
    }
    assert_noticed(
        &LeavesOut {
            secret: 1,
            shown: 2,
        },
        "`secret`",
    );
    assert_noticed(&IntoOnly { text: 1 }, "Str");
    assert_noticed(&Skips::First(1), "`First`");
    assert_noticed(&Skips::Second(1), "`Second`");
    assert_noticed(&vec![Some(Skips::Second(1))], "`Second`");

    #[track_caller]
    fn assert_noticed<T: Serialize + DeserializeOwned>(value: &T, part: &str) {
        let method = method::<T>();
        let error =
            codec::encode_reply(Codec::Positional, &method, value, &mut Vec::new()).unwrap_err();
        assert!(error.needs_field_names(), "{error}");
        assert!(error.to_string().contains(part), "{error}");
        codec::encode_reply(Codec::FieldNamed, &method, value, &mut Vec::new())
            .expect("names tell");
    }
}

#[test]
fn an_argument_that_is_written_differently_is_named() {
    static METHOD: MethodSpec = MethodSpec::unary("put", 1, &["id", "text"], |s| {
        s.argument::<u64>();
        s.argument::<String>();
        s.reply::<()>();
    });
    let mut out = Vec::new();
    let mut arguments = ArgsWriter::new(Codec::Positional, &METHOD, &mut out);
    arguments.put(&7u64).expect("a u64");
    let error = arguments.put(&8u64).unwrap_err();
    assert_eq!(error.argument(), Some("text"));
    assert!(error.needs_field_names(), "{error}");
    assert!(out.is_empty());
}

/// Types whose values are written in the shape that is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Corpus {
    Nothing,
    Std(Box<Std>),
    Crates {
        id: uuid::Uuid,
        at: chrono::DateTime<chrono::Utc>,
    },
    Nested(Vec<Corpus>, Option<Box<Corpus>>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Std {
    address: IpAddr,
    sockets: Vec<SocketAddr>,
    duration: Duration,
    since: SystemTime,
    path: PathBuf,
    counts: BTreeMap<char, NonZeroU64>,
    result: Result<(), String>,
    #[serde(with = "serde_bytes")]
    blob: Vec<u8>,
}

mod round_trip {
    use proptest::prelude::*;

    use super::*;

    fn corpus() -> impl Strategy<Value = Corpus> {
        let std = (
            any::<IpAddr>(),
            // serde itself leaves out the flow and scope of an IPv6 socket address.
            proptest::collection::vec(any::<(IpAddr, u16)>().prop_map(SocketAddr::from), 0..4),
            any::<Duration>(),
            0u64..1 << 40,
            any::<String>(),
            proptest::collection::btree_map(
                any::<char>(),
                (1u64..).prop_filter_map("not 0", NonZeroU64::new),
                0..4,
            ),
            any::<Result<(), String>>(),
            any::<Vec<u8>>(),
        );
        let std = std.prop_map(
            |(address, sockets, duration, since, path, counts, result, blob)| {
                let since = SystemTime::UNIX_EPOCH + Duration::from_millis(since);
                let path = PathBuf::from(path);
                Corpus::Std(Box::new(Std {
                    address,
                    sockets,
                    duration,
                    since,
                    path,
                    counts,
                    result,
                    blob,
                }))
            },
        );
        let crates =
            (any::<u128>(), 0i64..4_000_000_000).prop_filter_map("a time", |(id, seconds)| {
                let at = chrono::DateTime::from_timestamp(seconds, 0)?;
                Some(Corpus::Crates {
                    id: uuid::Uuid::from_u128(id),
                    at,
                })
            });
        prop_oneof![Just(Corpus::Nothing), std, crates].prop_recursive(3, 12, 3, |inner| {
            (
                proptest::collection::vec(inner.clone(), 0..3),
                proptest::option::of(inner),
            )
                .prop_map(|(list, one)| Corpus::Nested(list, one.map(Box::new)))
        })
    }

    proptest! {
        #[test]
        fn what_the_positional_codec_accepts_reads_back_equal(value in corpus()) {
            static METHOD: MethodSpec = MethodSpec::unary("get", 1, &[], |s| s.reply::<Corpus>());
            prop_assert_ne!(METHOD.fingerprint(), 0);
            let mut bytes = Vec::new();
            codec::encode_reply(Codec::Positional, &METHOD, &value, &mut bytes)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            let read: Corpus = codec::decode(Codec::Positional, &bytes)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(read, value);
        }

        #[test]
        fn what_the_field_named_codec_accepts_reads_back_equal(value in corpus()) {
            let mut bytes = Vec::new();
            codec::encode(Codec::FieldNamed, &value, &mut bytes)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            let read: Corpus = codec::decode(Codec::FieldNamed, &bytes)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(read, value);
        }
    }
}
