//! Attributes of structs and of their fields.

use proptest::prelude::*;
use proptest_derive::Arbitrary;
use serde::{Deserialize, Serialize};

use super::harness::Corpus;

macro_rules! data {
    ($($(#[$attribute:meta])* $kind:ident $name:ident $body:tt $(;)?)*) => {$(
        #[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
        $(#[$attribute])*
        $kind $name $body
    )*};
}

data! {
    struct Plain { id: u32, name: String }

    struct Renamed {
        #[serde(rename = "type")] kind: u8,
        #[serde(rename = "größe")] size: i64,
    }

    #[serde(rename_all = "camelCase", rename = "Card")]
    struct RenamedAll { card_number: u64, valid_until: Option<u16> }

    #[serde(rename_all = "SCREAMING-KEBAB-CASE", deny_unknown_fields)]
    struct Strict { first_field: bool, second_field: Vec<bool> }

    #[serde(default)]
    struct Defaulted { level: u8, label: String }

    struct DefaultedField { #[serde(default = "seven")] level: u8, #[serde(default)] label: String }

    #[serde(transparent)]
    struct Transparent { inner: Vec<String> }

    struct Aliased {
        #[serde(alias = "aaa", alias = "zzz")] middle: u8,
        #[serde(rename = "kind", alias = "type")] sort: String,
    }

    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct StrictAliased { #[serde(alias = "old_id")] new_id: u8, #[serde(default)] note: String }

    #[serde(from = "(u8, u8)", into = "(u8, u8)")]
    struct Converted { low: u8, high: u8 }

    #[serde(try_from = "u16", into = "u16")]
    struct Checked { #[proptest(strategy = "0u16..1000")] below_thousand: u16 }

    struct WithModule { #[serde(with = "as_text")] number: u64, after: u8 }

    struct WithFunctions {
        #[serde(serialize_with = "as_text::serialize", deserialize_with = "as_text::deserialize")]
        number: u64,
    }

    struct WithRemote { #[serde(with = "PointDef")] point: foreign::Point }

    struct SkippedIf {
        id: u64,
        #[serde(skip_serializing_if = "Option::is_none", default)] note: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty", default)] tags: Vec<u8>,
    }

    #[derive(Default)]
    #[serde(rename_all = "camelCase", default)]
    struct SkippedAll {
        #[serde(skip_serializing_if = "is_zero")] first_number: u32,
        #[serde(skip_serializing_if = "is_zero")] second_number: u32,
    }

    struct RarelySkipped {
        #[proptest(strategy = "0u32..64")]
        #[serde(skip_serializing_if = "is_zero", default)] count: u32,
        other: u32,
    }

    struct SkippedAlways {
        shown: u8,
        #[proptest(value = "0")]
        #[serde(skip)] hidden: u8,
        last: u8,
    }

    struct SkippedWhenWritten {
        #[proptest(value = "0")]
        #[serde(skip_serializing, default)] secret: u8,
        shown: u8,
    }

    struct SkippedWhenRead {
        #[proptest(value = "0")]
        #[serde(skip_deserializing)] computed: u8,
        shown: u8,
    }

    struct RenamedOneWay { #[serde(rename(serialize = "out", deserialize = "in"))] value: u8 }

    struct RenamedInto { #[serde(rename = "b")] a: u8, #[serde(rename = "a")] b: u8 }

    #[serde(tag = "kind")]
    struct TaggedStruct { value: u8 }

    struct Empty {}
}

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
#[serde(bound(
    serialize = "T: Serialize + Clone",
    deserialize = "T: serde::de::DeserializeOwned"
))]
struct Bounded<T> {
    value: T,
}

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct EmptyTuple();

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct Newtype(u32);

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct NewtypeOfUnit(());

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct Tuple(u8, String, #[serde(default)] Option<u8>);

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct TupleThatSkips(
    u8,
    #[serde(skip_serializing_if = "Option::is_none", default)] Option<u8>,
);

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Email {
    #[proptest(regex = "[a-z]{1,8}@[a-z]{1,8}")]
    address: String,
}

/// What a foreign crate has without serde.
mod foreign {
    #[derive(Clone, Debug, PartialEq, proptest_derive::Arbitrary)]
    pub(super) struct Point {
        pub(super) x: i32,
        pub(super) y: i32,
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "foreign::Point")]
struct PointDef {
    x: i32,
    y: i32,
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl Default for Defaulted {
    fn default() -> Self {
        Self {
            level: 3,
            label: "none".into(),
        }
    }
}

fn seven() -> u8 {
    7
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl From<(u8, u8)> for Converted {
    fn from((low, high): (u8, u8)) -> Self {
        Self { low, high }
    }
}

impl From<Converted> for (u8, u8) {
    fn from(Converted { low, high }: Converted) -> Self {
        (low, high)
    }
}

impl TryFrom<u16> for Checked {
    type Error = String;
    fn try_from(below_thousand: u16) -> Result<Self, String> {
        match below_thousand {
            0..1000 => Ok(Self { below_thousand }),
            _ => Err("too large".into()),
        }
    }
}

impl From<Checked> for u16 {
    fn from(checked: Checked) -> u16 {
        checked.below_thousand
    }
}

impl TryFrom<String> for Email {
    type Error = String;
    fn try_from(address: String) -> Result<Self, String> {
        match address.contains('@') {
            true => Ok(Self { address }),
            false => Err("no @".into()),
        }
    }
}

impl From<Email> for String {
    fn from(email: Email) -> String {
        email.address
    }
}

pub(crate) fn add(corpus: &mut Corpus) {
    corpus.any::<Plain>("a struct");
    corpus.any::<Unit>("a unit struct");
    corpus.any::<Empty>("a struct without fields, `{}`");
    corpus.any::<EmptyTuple>("a tuple struct without fields, `()`");
    corpus.any::<Newtype>("a newtype");
    corpus.any::<NewtypeOfUnit>("a newtype of `()`");
    corpus.any::<Tuple>("a tuple struct");
    corpus.any::<Renamed>("`rename` on fields");
    corpus.any::<RenamedAll>("`rename_all`, `rename`");
    corpus.any::<RenamedInto>("`rename` of two fields into each other");
    corpus.any::<Strict>("`rename_all`, `deny_unknown_fields`");
    corpus.any::<Defaulted>("`default` on a struct");
    corpus.any::<DefaultedField>("`default` on fields");
    corpus.any::<Transparent>("`transparent`");
    corpus.any::<Aliased>("`alias`, `rename` on fields");
    corpus.any::<StrictAliased>("`alias`, `default`, `deny_unknown_fields`, `rename_all`");
    corpus.any::<Converted>("`from`, `into`");
    corpus.any::<Checked>("`try_from`, `into` of a number");
    corpus.any::<Email>("`try_from`, `into` of text");
    corpus.any::<Bounded<Vec<u8>>>("`bound`");
    corpus.any::<WithModule>("`with`");
    corpus.any::<WithFunctions>("`serialize_with`, `deserialize_with`");
    corpus.any::<WithRemote>("`remote`, `with`");
    corpus.any::<TaggedStruct>("`tag` on a struct");
    corpus.any::<SkippedIf>("`skip_serializing_if`, `default` on fields");
    corpus.any::<SkippedAll>("`skip_serializing_if` on all fields, `default` on the struct");
    corpus.any::<RarelySkipped>("`skip_serializing_if` that holds for one value in 64");
    corpus.any::<TupleThatSkips>("`skip_serializing_if` in a tuple struct");
    corpus.any::<SkippedAlways>("`skip`");
    corpus.any::<SkippedWhenWritten>("`skip_serializing`, `default`");
    corpus.any::<SkippedWhenRead>("`skip_deserializing`");
    corpus.any::<RenamedOneWay>("`rename(serialize = …, deserialize = …)`");
    corpus.add(
        "a struct of 20 fields",
        any::<[Wide; 1]>().prop_map(|[wide]| wide),
    );
}

data! {
    struct Wide {
        a: u8, b: u16, c: u32, d: u64, e: i8, f: i16, g: i32, h: i64, i: bool, j: char,
        k: String, l: (), m: (u8, u8), n: [u8; 4], o: Vec<u8>, p: Option<u8>, q: Box<u8>,
        r: Vec<String>, s: Result<u8, u8>, t: String,
    }
}
