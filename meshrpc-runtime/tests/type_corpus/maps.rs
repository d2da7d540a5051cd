//! Maps, by what their keys are.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    net::IpAddr,
};

use proptest::prelude::*;
use proptest_derive::Arbitrary;
use serde::{Deserialize, Serialize};

use super::harness::Corpus;

macro_rules! keys {
    ($($(#[$attribute:meta])* $kind:ident $name:ident $body:tt $(;)?)*) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Arbitrary, Serialize, Deserialize)]
        $(#[$attribute])*
        $kind $name $body
    )*};
}

keys! {
    struct Point { x: i32, y: i32 }
    enum Color { Red, Green }
    enum Shape { Dot, Circle(u8), Square { side: u8 } }
    #[serde(tag = "type")]
    enum Tagged { Dot, Circle { radius: u8 } }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Arbitrary, Serialize, Deserialize)]
struct Id(u64);

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Holder {
    Numbers { map: BTreeMap<u32, String> },
    Texts { map: BTreeMap<String, u32> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nested {
    map: BTreeMap<String, HashMap<u8, BTreeMap<char, Vec<u8>>>>,
}

pub(crate) fn add(corpus: &mut Corpus) {
    corpus.any::<HashMap<String, u64>>("text as keys");
    corpus.any::<BTreeMap<u64, String>>("`u64` as keys");
    corpus.any::<BTreeMap<i8, ()>>("`i8` as keys, `()` as values");
    corpus.any::<BTreeMap<u128, u8>>("`u128` as keys");
    corpus.any::<BTreeMap<bool, u8>>("`bool` as keys");
    corpus.any::<BTreeMap<char, u8>>("`char` as keys");
    corpus.any::<BTreeMap<Id, u8>>("a newtype as keys");
    corpus.any::<BTreeMap<Color, u8>>("an enum of units as keys");
    corpus.any::<BTreeMap<Shape, u8>>("an enum with content as keys");
    corpus.any::<BTreeMap<Tagged, u8>>("an enum with `tag` as keys");
    corpus.any::<BTreeMap<Point, u8>>("a struct as keys");
    corpus.any::<HashMap<(u8, String), u8>>("a tuple as keys");
    corpus.any::<BTreeMap<Option<u8>, u8>>("`Option<u8>` as keys");
    corpus.any::<BTreeMap<(), u8>>("`()` as keys");
    corpus.any::<BTreeMap<Vec<u8>, u8>>("`Vec<u8>` as keys");
    corpus.any::<BTreeMap<IpAddr, u8>>("`IpAddr` as keys");
    corpus.add(
        "`Uuid` as keys",
        proptest::collection::btree_map(
            any::<u128>().prop_map(uuid::Uuid::from_u128),
            any::<u8>(),
            0..4,
        ),
    );
    use proptest::collection::{btree_map, hash_map, vec};
    let inner = btree_map(any::<char>(), vec(any::<u8>(), 0..3), 0..3);
    let nested = btree_map(any::<String>(), hash_map(any::<u8>(), inner, 0..3), 0..3);
    corpus.add("maps in maps", nested.prop_map(|map| Nested { map }));
    corpus.any::<Holder>("maps in an enum with `tag`");
    corpus.any::<BTreeSet<Point>>("a set of structs");
    corpus.any::<HashSet<(u8, bool)>>("a set of tuples");
}
