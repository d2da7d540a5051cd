//! What tracing learns of types: which are known, and which describe themselves.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    net::{IpAddr, SocketAddr},
    num::{NonZeroU8, NonZeroU64},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use meshrpc::{
    codec,
    contract::{MethodSpec, ServiceSpec},
    wire::Codec,
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, EnumAccess, VariantAccess, Visitor},
};

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
        One(u8),
        Two {
            #[serde(alias = "y")]
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
fn variants_that_their_number_does_not_tell_are_found() {
    /// `B` is written as 2, which is read as `Other`.
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum CatchAll {
        #[serde(skip)]
        Internal,
        #[serde(alias = "aa")]
        A,
        B,
        #[serde(other)]
        Other,
    }
    /// `A` is written as 1, which is read as `B`.
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Aliased {
        #[serde(skip)]
        Internal,
        #[serde(alias = "aa")]
        A,
        B,
    }
    for (obstacle, part) in [
        (method::<CatchAll>().obstacle(), "stands for all"),
        (method::<Aliased>().obstacle(), "more than one name"),
        (method::<Vec<Option<Aliased>>>().obstacle(), "`Aliased`"),
    ] {
        assert!(
            obstacle.as_deref().is_some_and(|why| why.contains(part)),
            "{obstacle:?}"
        );
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
    /// Its variants are known by name only, and the positional codec gives numbers.
    struct ByName;
    impl<'de> Deserialize<'de> for ByName {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_enum("ByName", &["A", "B"], ByName)
        }
    }
    impl<'de> Visitor<'de> for ByName {
        type Value = Self;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a variant")
        }
        fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Self, A::Error> {
            let (_, variant) = access.variant::<String>()?;
            variant.unit_variant()?;
            Ok(self)
        }
    }
    assert_eq!(fingerprint::<ByName>(), 0);
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
