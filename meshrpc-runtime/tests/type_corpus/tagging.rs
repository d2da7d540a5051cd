//! Enums: how their variants are told apart.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use proptest::prelude::*;
use proptest_derive::Arbitrary;
use serde::{Deserialize, Serialize};

use super::harness::Corpus;

macro_rules! enums {
    ($($(#[$attribute:meta])* $name:ident $body:tt)*) => {$(
        #[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
        $(#[$attribute])*
        #[allow(dead_code)]
        enum $name $body
    )*};
}

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct Card {
    owner: String,
    address: IpAddr,
}

enums! {
    External { Unit, Newtype(u32), Tuple(u8, String), Struct { x: u8, y: Option<u8> }, Empty {} }

    Units { Low, Mid, High }

    #[serde(rename_all = "snake_case", rename_all_fields = "camelCase")]
    RenamedAll { FirstVariant { some_field: u8, other_field: u8 }, SecondVariant }

    RenamedVariants {
        #[serde(rename = "B", rename_all = "UPPERCASE")] A { x: u8 },
        #[serde(rename = "A")] B { x: u8 },
    }

    AliasedVariants { #[serde(alias = "first", alias = "Zero")] One(u8), Two(u8), Three }

    #[serde(tag = "type")]
    Internal { Unit, Struct { address: IpAddr, n: u64 }, Newtype(Card), Empty {} }

    #[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
    InternalStrict { FirstVariant { x: u8 }, SecondVariant { y: Option<String> } }

    #[serde(tag = "type")]
    InternalOfNumber { Number(u8), Struct { x: u8 } }

    #[serde(tag = "type")]
    InternalOfMap { Map(BTreeMap<String, u8>) }

    #[serde(tag = "type")]
    InternalOfInternal { Inner(Internal), None }

    #[serde(tag = "type")]
    InternalOther { Known { x: u8 }, #[proptest(skip)] #[serde(other)] Other }

    #[serde(tag = "t", content = "c")]
    Adjacent { Unit, Newtype(IpAddr), Tuple(u8, u64), Struct { address: IpAddr } }

    #[serde(tag = "t", content = "c")]
    AdjacentUnits { A, B }

    #[serde(tag = "t", content = "c", deny_unknown_fields, rename_all = "lowercase")]
    AdjacentStrict { Number(u8), Text(String) }

    #[serde(untagged)]
    UntaggedScalars { Number(i64), Float(#[proptest(strategy = "halves()")] f64), Flag(bool), Text(String) }

    #[serde(untagged)]
    UntaggedStructs { Card(Card), Point { x: i32, y: i32 }, Pair(u8, String) }

    #[serde(untagged)]
    UntaggedWithUnit { Nothing, Number(u8) }

    #[serde(untagged)]
    UntaggedAddresses { Address(IpAddr), Number(u32) }

    UntaggedVariant { Known { x: u8 }, #[serde(untagged)] Number(u64) }

    Other { A, B(u8), #[proptest(skip)] #[serde(other)] Unknown }

    SkippedFirst { #[proptest(skip)] #[serde(skip)] Internal, First(u8), Second(u8) }

    SkippedLast { First(u8), Second(u8), #[proptest(skip)] #[serde(skip)] Internal }

    SkippedAndAliased {
        #[proptest(skip)] #[serde(skip)] Internal,
        #[serde(alias = "aa")] A(u8),
        B(u8),
        #[serde(alias = "ccc")] C(u8),
    }

    SkippedAndOther {
        #[proptest(skip)] #[serde(skip)] Internal,
        #[serde(alias = "aa")] A,
        B,
        #[proptest(skip)] #[serde(other)] Unknown,
    }

    NotWritten { A(u8), #[serde(skip_serializing)] B(u8) }

    NotRead { #[serde(skip_deserializing)] A(u8), B(u8) }

    WithVariant { #[serde(with = "as_text")] A(u64), B(u64) }

    SkippedFields { A { #[serde(skip_serializing_if = "Option::is_none", default)] x: Option<u8>, y: u8 }, B }
}

fn halves() -> impl Strategy<Value = f64> {
    any::<i32>().prop_map(|number| f64::from(number) + 0.5)
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

/// More variants than a byte counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "u16", into = "u16")]
struct Number(u16);

impl From<u16> for Number {
    fn from(number: u16) -> Self {
        Self(number)
    }
}

impl From<Number> for u16 {
    fn from(Number(number): Number) -> Self {
        number
    }
}

pub(crate) fn add(corpus: &mut Corpus) {
    corpus.any::<External>("an enum of all kinds of variants");
    corpus.any::<Units>("an enum of units");
    corpus.any::<RenamedAll>("`rename_all`, `rename_all_fields` on an enum");
    corpus.any::<RenamedVariants>("variants renamed into each other");
    corpus.any::<AliasedVariants>("`alias` on a variant");
    corpus.any::<SkippedFields>("`skip_serializing_if` in a variant");
    corpus.any::<WithVariant>("`with` on a variant");
    corpus.any::<Other>("`other` on a variant");
    corpus.any::<UntaggedVariant>("`untagged` on a variant");
    corpus.any::<SkippedFirst>("`skip` on the first variant");
    corpus.any::<SkippedLast>("`skip` on the last variant");
    corpus.any::<SkippedAndAliased>("`skip` and `alias` on variants");
    corpus.any::<SkippedAndOther>("`skip`, `alias` and `other` on variants");
    corpus.any::<NotWritten>("`skip_serializing` on a variant");
    corpus.any::<NotRead>("`skip_deserializing` on a variant");
    corpus.any::<Internal>("`tag`, with structs, units and addresses");
    corpus.any::<InternalStrict>("`tag`, `rename_all`, `deny_unknown_fields`");
    corpus.any::<InternalOfNumber>("`tag`, around a number");
    corpus.any::<InternalOfMap>("`tag`, around a map");
    corpus.any::<InternalOfInternal>("`tag`, twice with one name");
    corpus.any::<InternalOther>("`tag`, `other`");
    corpus.any::<Adjacent>("`tag` and `content`");
    corpus.any::<AdjacentUnits>("`tag` and `content`, units only");
    corpus.any::<AdjacentStrict>("`tag` and `content`, `deny_unknown_fields`");
    corpus.any::<UntaggedScalars>("`untagged`, of scalars");
    corpus.any::<UntaggedStructs>("`untagged`, of structs and tuples");
    corpus.any::<UntaggedWithUnit>("`untagged`, with a unit");
    corpus.any::<UntaggedAddresses>("`untagged`, with addresses");
    corpus.any::<Vec<Internal>>("a list of what has a `tag`");
    corpus.any::<BTreeMap<u8, Adjacent>>("a map of what has `tag` and `content`");
    corpus.any::<Result<External, Units>>("a `Result` of enums");
    corpus.add("an enum as its number", any::<u16>().prop_map(Number));
    let local =
        any::<u32>().prop_map(|bits| UntaggedAddresses::Address(Ipv4Addr::from(bits).into()));
    corpus.add("`untagged`, addresses only", local);
}
