//! Types that write themselves in another way than they read themselves, always or rarely.

use std::fmt;

use proptest::prelude::*;
use proptest_derive::Arbitrary;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
    ser::{SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple},
};

use super::harness::Corpus;

macro_rules! data {
    ($($(#[$attribute:meta])* $kind:ident $name:ident $body:tt)*) => {$(
        #[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
        $(#[$attribute])*
        $kind $name $body
    )*};
}

data! {
    struct OneWay { #[serde(serialize_with = "text")] number: u32, after: u8 }

    #[serde(into = "String")]
    struct IntoOnly { number: u32 }

    #[serde(from = "u64")]
    struct FromOnly { number: u32 }

    struct Rare { #[serde(serialize_with = "rarely_text")] number: u32, after: u8 }

    /// Read by order, written in another.
    struct Holder { swapped: Swapped, after: u8 }
}

fn text<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// Text for one number in 16: the reader takes numbers only.
fn rarely_text<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    match number % 16 {
        3 => serializer.collect_str(number),
        _ => serializer.serialize_u32(*number),
    }
}

impl From<IntoOnly> for String {
    fn from(value: IntoOnly) -> String {
        value.number.to_string()
    }
}

impl From<u64> for FromOnly {
    fn from(number: u64) -> Self {
        Self {
            number: number as u32,
        }
    }
}

/// Two numbers of one type, in the other order.
#[derive(Clone, Debug, PartialEq, Arbitrary, Deserialize)]
struct Swapped {
    a: u8,
    b: u8,
}

impl Serialize for Swapped {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Swapped", 2)?;
        fields.serialize_field("b", &self.b)?;
        fields.serialize_field("a", &self.a)?;
        fields.end()
    }
}

macro_rules! wrappers {
    ($($(#[$attribute:meta])* $name:ident($inner:ty): $write:expr, $read:expr;)*) => {$(
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Arbitrary)]
        struct $name($inner);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let write: fn(&$inner, S) -> Result<S::Ok, S::Error> = $write;
                write(&self.0, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let read: fn(D) -> Result<$inner, D::Error> = $read;
                read(deserializer).map(Self)
            }
        }
    )*};
}

wrappers! {
    /// Does not tell its length.
    Uncounted(Vec<u16>): |list, serializer| {
        let mut seq = serializer.serialize_seq(None)?;
        for number in list {
            seq.serialize_element(number)?;
        }
        seq.end()
    }, |deserializer| Vec::deserialize(deserializer);

    /// As a map that does not tell its length.
    UncountedMap(Vec<(u8, u8)>): |list, serializer| {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in list {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }, |deserializer| deserializer.deserialize_map(Pairs);

    /// Reads bytes, and writes numbers that may be wider.
    WideBytes(Vec<u16>): |list, serializer| list.serialize(serializer),
        |deserializer| Ok(serde_bytes::ByteBuf::deserialize(deserializer)?.into_iter().map(u16::from).collect());

    /// Reads a list, and writes bytes.
    BytesAsList(Vec<u8>): |list, serializer| serializer.serialize_bytes(list),
        |deserializer| Vec::deserialize(deserializer);

    /// Reads a list, and writes a tuple.
    TupleAsList(Vec<u8>): |list, serializer| {
        let mut tuple = serializer.serialize_tuple(list.len())?;
        for number in list {
            tuple.serialize_element(number)?;
        }
        tuple.end()
    }, |deserializer| Vec::deserialize(deserializer);

    /// The 40th element of a list is another type than those before.
    LateText(Vec<u8>): |list, serializer| {
        let mut seq = serializer.serialize_seq(Some(list.len()))?;
        for (index, number) in list.iter().enumerate() {
            match index {
                ..40 => seq.serialize_element(number)?,
                _ => seq.serialize_element(&number.to_string())?,
            }
        }
        seq.end()
    }, |deserializer| Vec::deserialize(deserializer);

    /// A number that becomes a variant of the same width.
    Variant(u8): |number, serializer| match number % 16 {
        0 => serializer.serialize_unit_variant("Variant", 1, "One"),
        _ => serializer.serialize_u8(*number),
    }, |deserializer| u8::deserialize(deserializer);

    /// Asks for whatever comes.
    Anything(u64): |number, serializer| serializer.serialize_u64(*number),
        |deserializer| deserializer.deserialize_any(Number);

    /// A number or text, as the writer chooses; the reader takes both.
    NumberOrText(u64): |number, serializer| match number % 2 {
        0 => serializer.serialize_u64(*number),
        _ => serializer.collect_str(number),
    }, |deserializer| deserializer.deserialize_any(Number);

    /// Text and back.
    Displayed(std::net::Ipv4Addr): |address, serializer| serializer.collect_str(address),
        |deserializer| String::deserialize(deserializer)?.parse().map_err(de::Error::custom);

    /// Announces more than it writes.
    Announces(u8): |number, serializer| {
        let mut seq = serializer.serialize_seq(Some(2))?;
        seq.serialize_element(number)?;
        seq.end()
    }, |deserializer| <[u8; 1]>::deserialize(deserializer).map(|[number]| number);

    /// Never can be written.
    Unwritable(u8): |_, _| Err(serde::ser::Error::custom("not this one")),
        |deserializer| u8::deserialize(deserializer);
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(u8, u8)>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pairs")
    }
    fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = access.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

struct Number;

impl Visitor<'_> for Number {
    type Value = u64;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or its text")
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        text.parse().map_err(E::custom)
    }
}

pub(crate) fn add(corpus: &mut Corpus) {
    corpus.any::<OneWay>("`serialize_with` alone");
    corpus.any::<Rare>("`serialize_with` that writes one value in 16 differently");
    corpus.any::<IntoOnly>("`into` without `from`");
    corpus.any::<FromOnly>("`from` without `into`");
    corpus.any::<Holder>("fields written in another order");
    corpus.any::<Uncounted>("a list that does not tell its length");
    corpus.add(
        "a map that does not tell its length",
        proptest::collection::btree_map(any::<u8>(), any::<u8>(), 0..4)
            .prop_map(|map| UncountedMap(map.into_iter().collect())),
    );
    corpus.any::<WideBytes>("reads bytes, writes wider numbers");
    corpus.any::<BytesAsList>("reads a list, writes bytes");
    corpus.any::<TupleAsList>("reads a list, writes a tuple");
    corpus.any::<LateText>("another type from the 40th element on");
    corpus.any::<Variant>("a number that is sometimes written as a variant");
    corpus.any::<Anything>("reads whatever comes");
    corpus.any::<NumberOrText>("reads and writes a number or text");
    corpus.any::<Displayed>("text by `Display` and `FromStr`");
    corpus.any::<Announces>("announces more elements than it writes");
    corpus.any::<Unwritable>("fails to be written");
}
