use std::collections::BTreeMap;

use meshrpc::{
    codec::{self, ArgsReader, ArgsWriter},
    contract::MethodSpec,
    wire::{Codec, ItemReader, put_item_prefix},
};
use proptest::{prelude::*, sample::Index};
use serde::{Deserialize, Serialize};

use crate::CODECS;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u64,
    name: String,
    lines: Vec<(i32, Option<u16>)>,
    notes: BTreeMap<String, Vec<u8>>,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum State {
    New,
    Paid(u32),
    Sent { to: String, parcels: Vec<State> },
}

static PUT: MethodSpec = MethodSpec::unary("put", 1, &["order", "count"], |schema| {
    schema.argument::<Order>();
    schema.argument::<u32>();
    schema.reply::<()>();
});

fn state() -> impl Strategy<Value = State> {
    let leaf = prop_oneof![Just(State::New), any::<u32>().prop_map(State::Paid)];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let parcels = prop::collection::vec(inner, 0..3);
        ("[a-zé]{0,9}", parcels).prop_map(|(to, parcels)| State::Sent { to, parcels })
    })
}

fn order() -> impl Strategy<Value = Order> {
    let lines = prop::collection::vec(any::<(i32, Option<u16>)>(), 0..5);
    let notes = prop::collection::btree_map("[a-z]{0,5}", any::<Vec<u8>>(), 0..3);
    (any::<u64>(), any::<String>(), lines, notes, state()).prop_map(
        |(id, name, lines, notes, state)| Order {
            id,
            name,
            lines,
            notes,
            state,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn fault_11_a_value_that_is_cut_or_followed_by_bytes_is_an_error(
        order in order(), at in any::<Index>(), more in prop::collection::vec(any::<u8>(), 1..9),
    ) {
        for codec in CODECS {
            let mut bytes = Vec::new();
            codec::encode(codec, &order, &mut bytes).expect("a value that can be written");
            let cut = &bytes[..at.index(bytes.len())];
            prop_assert!(codec::decode::<Order>(codec, cut).is_err(), "{codec:?}: {} of {} bytes", cut.len(), bytes.len());
            // White space may follow JSON.
            let more: Vec<u8> = more.iter().filter(|byte| codec != Codec::Json || !byte.is_ascii_whitespace()).copied().collect();
            let longer = [&bytes[..], &more].concat();
            let read = codec::decode::<Order>(codec, &longer);
            prop_assert_eq!(read.is_err(), !more.is_empty(), "{:?}: {} bytes more", codec, more.len());
        }
    }

    #[test]
    fn fault_11_arguments_that_are_cut_or_followed_by_bytes_are_an_error(
        order in order(), count in any::<u32>(), at in any::<Index>(),
    ) {
        for codec in CODECS {
            let mut body = Vec::new();
            let mut writer = ArgsWriter::new(codec, &PUT, &mut body);
            writer.put(&order).expect("the first argument");
            writer.put(&count).expect("the second argument");
            writer.finish().expect("two arguments");
            prop_assert_eq!(take(codec, &body), Some((order.clone(), count)));
            let cut = &body[..at.index(body.len())];
            prop_assert_eq!(take(codec, cut), None, "{:?}: {} of {} bytes", codec, cut.len(), body.len());
            let longer = [&body[..], b"\x01"].concat();
            prop_assert_eq!(take(codec, &longer), None, "{:?}: a byte more", codec);
        }
    }

    #[test]
    fn fault_11_a_stream_that_is_cut_in_an_item_is_not_at_its_end(
        lengths in prop::collection::vec(0usize..300, 1..6), at in any::<Index>(),
    ) {
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        for len in lengths {
            put_item_prefix(&mut bytes, len, false);
            bytes.resize(bytes.len() + len, 7);
            ends.push(bytes.len());
        }
        let cut = at.index(bytes.len());
        let mut reader = ItemReader::new(300);
        reader.push(bytes[..cut].to_vec().into());
        let mut items = 0;
        while reader.next().expect("items that were written").is_some() {
            items += 1;
        }
        prop_assert_eq!(items, ends.iter().filter(|end| **end <= cut).count() - 1);
        prop_assert_eq!(reader.is_between(), ends.contains(&cut));
    }
}

fn take(codec: Codec, body: &[u8]) -> Option<(Order, u32)> {
    let mut reader = ArgsReader::new(codec, PUT.arguments, body).ok()?;
    let arguments = (reader.take().ok()?, reader.take().ok()?);
    reader.finish().ok()?;
    Some(arguments)
}
