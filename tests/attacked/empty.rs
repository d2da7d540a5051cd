use std::collections::{BTreeMap, HashMap};

use meshrpc::{codec::MAX_EMPTY_ELEMENTS, wire::Codec};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{Cost, Counted, explode, varint};

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Unit;

#[derive(Debug, Deserialize)]
struct Fieldless {}

/// What a value may cost that holds nothing.
fn assert_cheap(codec: Codec, cost: &Cost, len: usize) {
    let most = u64::from(MAX_EMPTY_ELEMENTS) + 1;
    assert!(
        cost.visited <= most,
        "{codec:?} reads {} elements",
        cost.visited
    );
    let most = 64 * len as u64 + 8_192;
    assert!(cost.memory <= most, "{codec:?} takes {} bytes", cost.memory);
}

#[test]
fn fault_10_elements_without_bytes_are_an_error_after_as_many_as_may_be() {
    let most = u64::from(MAX_EMPTY_ELEMENTS);
    for declared in [most + 1, 1 << 36, u64::MAX] {
        let bomb = varint(declared);
        bomb_of::<Vec<Counted<()>>>(&bomb);
        bomb_of::<Vec<Counted<Unit>>>(&bomb);
        bomb_of::<Vec<Counted<[u8; 0]>>>(&bomb);
        bomb_of::<Vec<Counted<((), Unit)>>>(&bomb);
        bomb_of::<Vec<Counted<Fieldless>>>(&bomb);
        bomb_of::<BTreeMap<Unit, Counted<()>>>(&bomb);
        bomb_of::<HashMap<Unit, Counted<Unit>>>(&bomb);
        // A byte more than the sequence, so that it is not its length that is refused.
        bomb_of::<(Vec<Counted<()>>, u8)>(&[bomb, vec![7]].concat());
    }

    fn bomb_of<T: DeserializeOwned>(bomb: &[u8]) {
        assert_cheap(
            Codec::Positional,
            &explode::<T>(Codec::Positional, bomb),
            bomb.len(),
        );
    }
}

#[test]
fn fault_10_elements_without_bytes_are_counted_over_the_whole_value() {
    let mut bomb = varint(4_000);
    for _ in 0..4_000 {
        bomb.extend(varint(60_000));
    }
    let cost = explode::<Vec<Vec<Counted<()>>>>(Codec::Positional, &bomb);
    assert_cheap(Codec::Positional, &cost, bomb.len());
}

#[test]
fn fault_10_elements_that_are_declared_and_not_there_are_never_begun() {
    for header in [
        &[0xDD_u8, 0xFF, 0xFF, 0xFF, 0xFF][..],
        &[0xDC, 0xFF, 0xFF],
        &[0x9F],
    ] {
        let cost = explode::<Vec<Counted<()>>>(Codec::FieldNamed, header);
        assert_eq!(cost.visited, 0, "{}", cost.error);
        assert_cheap(Codec::FieldNamed, &cost, header.len());
        // A map has two for each.
        let map = [
            &[header[0] + 2 - u8::from(header[0] == 0x9F) * 0x12],
            &header[1..],
        ]
        .concat();
        let cost = explode::<BTreeMap<Unit, Counted<()>>>(Codec::FieldNamed, &map);
        assert_eq!(cost.visited, 0, "{}", cost.error);
    }
}

#[test]
fn fault_10_where_an_element_takes_a_byte_there_are_as_many_as_bytes() {
    let nil = [vec![0xDC, 0x7F, 0xFF], vec![0xC0; 30_000]].concat();
    let null = [b"[".to_vec(), b"null,".repeat(10_000)].concat();
    for (codec, bomb) in [(Codec::FieldNamed, nil), (Codec::Json, null)] {
        let cost = explode::<Vec<Counted<()>>>(codec, &bomb);
        assert!(cost.visited <= bomb.len() as u64);
        assert_cheap(codec, &cost, bomb.len());
    }
}
