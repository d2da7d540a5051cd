//! Fields that are merged into the struct around them.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
};

use proptest::prelude::*;
use proptest_derive::Arbitrary;
use serde::{Deserialize, Serialize};

use super::harness::Corpus;

macro_rules! data {
    ($($(#[$attribute:meta])* $kind:ident $name:ident $body:tt)*) => {$(
        #[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
        $(#[$attribute])*
        $kind $name $body
    )*};
}

data! {
    struct Page { offset: u64, limit: Option<u32> }

    struct OfStruct { id: u8, #[serde(flatten)] page: Page }

    struct OfTwo { #[serde(flatten)] page: Page, #[serde(flatten)] origin: Origin, last: bool }

    struct Origin {
        address: IpAddr,
        #[proptest(strategy = "sockets()")]
        socket: SocketAddr,
    }

    struct OfAddresses { id: u8, #[serde(flatten)] origin: Origin }

    struct OfMap {
        id: u8,
        #[proptest(strategy = "proptest::collection::btree_map(\"x[a-z]{1,4}\", any::<u8>(), 0..4)")]
        #[serde(flatten)] rest: BTreeMap<String, u8>,
    }

    struct OfMapWithCollisions {
        id: u8,
        #[proptest(strategy = "proptest::collection::btree_map(\"id|x\", any::<u8>(), 0..3)")]
        #[serde(flatten)] rest: BTreeMap<String, u8>,
    }

    struct OfMapOfNumbers { id: u8, #[serde(flatten)] rest: BTreeMap<u32, u8> }

    struct OfOption { id: u8, #[serde(flatten)] inner: Option<Strictly> }

    struct Strictly { must: u8, also: String }

    struct OfNested { top: u8, #[serde(flatten)] inner: OfStruct }

    #[serde(default)]
    struct OfDefault { id: u8, #[serde(flatten)] page: Page }

    struct OfSkipped { id: u8, #[serde(flatten)] inner: Skipped }

    struct Skipped { #[serde(skip_serializing_if = "Option::is_none", default)] x: Option<u8>, y: u8 }

    #[serde(tag = "kind", rename_all = "lowercase")]
    enum Kind { Dog { good: bool }, Cat { lives: u8 }, Fish }

    #[serde(tag = "kind", content = "with")]
    enum Adjacent { Dog { good: bool }, Cat(u8), Fish }

    #[serde(untagged)]
    enum Untagged { Named { name: String }, Numbered { number: u8 } }

    enum External { Dog { good: bool }, Cat(u8) }

    struct OfTagged { id: u8, #[serde(flatten)] kind: Kind }

    struct OfAdjacent { id: u8, #[serde(flatten)] kind: Adjacent }

    struct OfUntagged { id: u8, #[serde(flatten)] kind: Untagged }

    struct OfExternal { id: u8, #[serde(flatten)] kind: External }

    #[serde(tag = "type")]
    enum TaggedOfFlat { Pets { owner: String, #[serde(flatten)] kind: Kind }, None }

    struct OfBytes { id: u8, #[serde(flatten)] inner: Bytes }

    struct Bytes { #[serde(with = "serde_bytes")] blob: Vec<u8>, list: Vec<u8> }
}

impl Default for OfDefault {
    fn default() -> Self {
        let page = Page {
            offset: 0,
            limit: None,
        };
        Self { id: 1, page }
    }
}

/// serde leaves out the flow and scope of an IPv6 socket address.
fn sockets() -> impl Strategy<Value = SocketAddr> {
    any::<(IpAddr, u16)>().prop_map(SocketAddr::from)
}

pub(crate) fn add(corpus: &mut Corpus) {
    corpus.any::<OfStruct>("`flatten` of a struct");
    corpus.any::<OfTwo>("`flatten` of two structs");
    corpus.any::<OfAddresses>("`flatten` of addresses");
    corpus.any::<OfNested>("`flatten` in a flattened struct");
    corpus.any::<OfDefault>("`flatten`, `default`");
    corpus.any::<OfSkipped>("`flatten`, `skip_serializing_if`");
    corpus.any::<OfOption>("`flatten` of an option");
    corpus.any::<OfMap>("`flatten` of a map");
    corpus.any::<OfMapWithCollisions>("`flatten` of a map that may have a field's name");
    corpus.any::<OfMapOfNumbers>("`flatten` of a map with numbers as keys");
    corpus.any::<OfTagged>("`flatten` of an enum with `tag`");
    corpus.any::<OfAdjacent>("`flatten` of an enum with `tag` and `content`");
    corpus.any::<OfUntagged>("`flatten` of an `untagged` enum");
    corpus.any::<OfExternal>("`flatten` of an enum");
    corpus.any::<TaggedOfFlat>("`tag` around `flatten` around `tag`");
    corpus.any::<OfBytes>("`flatten` of bytes");
    corpus.any::<HashMap<String, OfTagged>>("a map of structs with `flatten`");
}
