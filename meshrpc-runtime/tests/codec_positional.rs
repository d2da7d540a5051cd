//! The positional codec: the bytes of bincode 2, and bounds on what bytes can make a reader do.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use meshrpc::{
    codec::{self, DecodeError, MAX_DEPTH, MAX_EMPTY_ELEMENTS},
    wire::Codec,
};
use proptest::{collection, option, prelude::*};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, SeqAccess, Visitor},
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Everything {
    unsigned: (u8, u16, u32, u64, u128, usize),
    signed: (i8, i16, i32, i64, i128, isize),
    floats: (f32, f64),
    flag: bool,
    letter: char,
    text: String,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    array: [u16; 3],
    nothing: (),
    unit: Unit,
    newtype: Newtype,
    pair: Pair,
    maybe: Option<Option<i32>>,
    list: Vec<Shape>,
    map: BTreeMap<String, Vec<u64>>,
    set: BTreeSet<char>,
    result: Result<u8, String>,
    address: IpAddr,
    socket: SocketAddr,
    duration: Duration,
    boxed: Box<Shape>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Newtype(i64);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pair(u32, String);

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Rect(i32, i32),
    Named { name: String, parts: Vec<Shape> },
}

fn shapes() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Point),
        any::<u64>().prop_map(|bits| Shape::Circle(f64::from_bits(bits))),
        any::<(i32, i32)>().prop_map(|(x, y)| Shape::Rect(x, y)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        (any::<String>(), collection::vec(inner, 0..4))
            .prop_map(|(name, parts)| Shape::Named { name, parts })
    })
}

/// Integers near the borders of each width as often as anywhere.
fn wide() -> impl Strategy<Value = u128> {
    prop_oneof![
        any::<u128>(),
        (0u32..=128, -3i128..=3).prop_map(|(bits, near)| 1u128
            .checked_shl(bits)
            .unwrap_or(0)
            .wrapping_add(near as u128)),
        245u128..=260,
    ]
}

fn everything() -> impl Strategy<Value = Everything> {
    let numbers = (wide(), wide(), wide(), wide(), any::<u64>());
    let texts = (
        any::<char>(),
        any::<String>(),
        any::<Vec<u8>>(),
        any::<[u16; 3]>(),
        any::<bool>(),
    );
    let nested = (
        option::of(option::of(any::<i32>())),
        collection::vec(shapes(), 0..4),
        any::<BTreeMap<String, Vec<u64>>>(),
        any::<BTreeSet<char>>(),
        any::<Result<u8, String>>(),
        shapes(),
    );
    let net = (any::<IpAddr>(), any::<SocketAddr>(), any::<Duration>());
    (numbers, texts, nested, net).prop_map(|(n, t, v, net)| Everything {
        unsigned: (
            n.0 as u8,
            n.0 as u16,
            n.1 as u32,
            n.2 as u64,
            n.3,
            n.1 as usize,
        ),
        signed: (
            n.1 as i8,
            n.2 as i16,
            n.3 as i32,
            n.0 as i64,
            n.2 as i128,
            n.3 as isize,
        ),
        floats: (f32::from_bits(n.4 as u32), f64::from_bits(n.4)),
        flag: t.4,
        letter: t.0,
        text: t.1.clone(),
        bytes: t.2,
        array: t.3,
        nothing: (),
        unit: Unit,
        newtype: Newtype(n.4 as i64),
        pair: Pair(n.2 as u32, t.1),
        maybe: v.0,
        list: v.1,
        map: v.2,
        set: v.3,
        result: v.4,
        address: net.0,
        socket: net.1,
        duration: net.2,
        boxed: Box::new(v.5),
    })
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::encode(Codec::Positional, value, &mut bytes).expect("a value that can be written");
    bytes
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    codec::decode(Codec::Positional, bytes)
}

fn with_bincode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::standard())
        .expect("a value that bincode can write")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_bytes_are_those_of_bincode(value in everything()) {
        let bytes = encode(&value);
        prop_assert_eq!(&bytes, &with_bincode(&value));
        // Compared as bytes, since NaN is not equal to itself.
        let read: Everything = decode(&bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&bytes, &encode(&read));
    }

    #[test]
    fn arbitrary_bytes_read_as_bincode_reads_them(bytes in collection::vec(prop_oneof![0u8..4, any::<u8>()], 0..64)) {
        let config = bincode::config::standard();
        let theirs = bincode::serde::decode_from_slice::<(u16, Option<i64>, Vec<Shape>, char, bool), _>(&bytes, config);
        let ours = decode::<(u16, Option<i64>, Vec<Shape>, char, bool)>(&bytes);
        match theirs {
            Ok((value, read)) if read == bytes.len() => {
                let ours = ours.map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert_eq!(encode(&ours), encode(&value));
            }
            _ => prop_assert!(ours.is_err()),
        }
    }

    #[test]
    fn every_cut_is_an_error(value in everything(), at in any::<prop::sample::Index>()) {
        let bytes = encode(&value);
        let cut = at.index(bytes.len());
        prop_assert!(decode::<Everything>(&bytes[..cut]).is_err());
    }
}

#[test]
fn bytes_are_written_as_a_sequence_of_bytes_would_be() {
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(encode(serde_bytes::Bytes::new(&bytes)), encode(&bytes));
}

#[test]
fn bytes_that_follow_the_value_are_an_error() {
    let error = decode::<u8>(&[1, 2]).unwrap_err();
    assert!(
        error.to_string().contains("1 bytes follow the value"),
        "{error}"
    );
}

#[test]
fn a_failed_encoding_leaves_the_output_as_it_was() {
    let mut out = vec![7];
    codec::encode(Codec::Positional, &("begun", Unsized), &mut out).unwrap_err();
    assert_eq!(out, [7]);
}

#[test]
fn a_sequence_of_unknown_length_needs_field_names() {
    let mut out = Vec::new();
    let error = codec::encode(Codec::Positional, &Unsized, &mut out).unwrap_err();
    assert!(error.needs_field_names(), "{error}");
}

#[test]
fn a_field_that_is_left_out_needs_field_names() {
    #[derive(Serialize)]
    struct Card {
        id: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        nick: Option<String>,
    }
    let mut out = Vec::new();
    codec::encode(
        Codec::Positional,
        &Card {
            id: 1,
            nick: Some("m".into()),
        },
        &mut out,
    )
    .expect("nothing is left out");
    let error =
        codec::encode(Codec::Positional, &Card { id: 1, nick: None }, &mut out).unwrap_err();
    assert!(error.needs_field_names(), "{error}");
    let message = error.to_string();
    assert!(
        message.contains("`nick`") && message.contains("`Card`"),
        "{message}"
    );
}

#[test]
fn a_type_that_describes_itself_is_refused_when_read() {
    let error = decode::<serde_json::Value>(&encode(&serde_json::json!(1))).unwrap_err();
    assert!(
        error.to_string().contains("asks what comes next"),
        "{error}"
    );
}

#[test]
fn nesting_ends_in_an_error_before_the_stack_does() {
    on_a_small_stack(|| {
        // Some(Some(Some(…)))
        assert_deep::<Chain>(&[1; 4096]);
        // A sequence of one element, and so on.
        assert_deep::<Forest>(&[1; 4096]);
        assert_deep::<Expression>(&[2; 4096]);
        assert_deep::<BTreeMapForest>(&[1; 4096]);
        let mut wide = Vec::new();
        for _ in 0..1000 {
            wide.extend_from_slice(&[1; 9]);
        }
        assert_deep::<WideNode>(&wide);
    });

    fn assert_deep<T: DeserializeOwned + fmt::Debug>(bytes: &[u8]) {
        let error = decode::<T>(bytes).unwrap_err();
        assert!(error.to_string().contains("nested deeper"), "{error}");
    }
}

#[test]
fn what_is_too_deep_to_be_read_is_not_written() {
    on_a_small_stack(|| {
        let chain = |len: u32| (0..len).fold(Chain(None), |chain, _| Chain(Some(Box::new(chain))));
        // Each link is a newtype and an option, the last one a newtype.
        let deepest = chain((MAX_DEPTH - 1) / 2);
        decode::<Chain>(&encode(&deepest)).expect("the writer let it pass");
        let mut out = Vec::new();
        let error = codec::encode(Codec::Positional, &chain(MAX_DEPTH / 2), &mut out).unwrap_err();
        assert!(error.to_string().contains("nested deeper"), "{error}");
    });
}

#[test]
fn a_declared_length_reserves_no_more_than_the_bytes_that_are_there() {
    let mut bytes = encode(&(1u64 << 16));
    bytes.extend_from_slice(&[1; 100]);
    HINT.set(None);
    decode::<Hinted>(&bytes).unwrap_err();
    assert_eq!(HINT.get(), Some(100));

    let huge = encode(&u64::MAX);
    HINT.set(None);
    let error = decode::<Hinted>(&huge).unwrap_err();
    assert!(
        error.to_string().contains("elements are declared"),
        "{error}"
    );
    assert_eq!(HINT.get(), None, "refused before a visitor saw it");
}

#[test]
fn elements_without_bytes_are_counted() {
    for declared in [u64::from(MAX_EMPTY_ELEMENTS) + 1, 1 << 36, u64::MAX] {
        VISITED.set(0);
        decode::<Vec<Counted>>(&encode(&declared)).unwrap_err();
        assert!(
            VISITED.get() <= MAX_EMPTY_ELEMENTS + 1,
            "{} visited",
            VISITED.get()
        );
    }
    // The same in pieces: the count is the value's, not the sequence's.
    let mut pieces = encode(&1000u64);
    for _ in 0..1000 {
        pieces.extend(encode(&1000u64));
    }
    VISITED.set(0);
    decode::<Vec<Vec<Counted>>>(&pieces).unwrap_err();
    assert!(
        VISITED.get() <= MAX_EMPTY_ELEMENTS + 1,
        "{} visited",
        VISITED.get()
    );

    let most = vec![(); MAX_EMPTY_ELEMENTS as usize];
    assert_eq!(
        decode::<Vec<()>>(&encode(&most))
            .expect("as many as may be")
            .len(),
        most.len()
    );
}

#[test]
fn more_elements_without_bytes_than_are_read_need_field_names() {
    let mut out = Vec::new();
    let many = vec![(); MAX_EMPTY_ELEMENTS as usize + 1];
    let error = codec::encode(Codec::Positional, &many, &mut out).unwrap_err();
    assert!(error.needs_field_names(), "{error}");
}

#[test]
fn elements_a_type_does_not_read_are_an_error() {
    let error = decode::<(FirstOnly, u8)>(&encode(&(vec![1u8, 2], 3u8))).unwrap_err();
    assert!(error.to_string().contains("does not read"), "{error}");
}

#[derive(Debug, Serialize, Deserialize)]
struct Chain(Option<Box<Chain>>);

#[derive(Debug, Serialize, Deserialize)]
struct Forest(Vec<Forest>);

#[derive(Debug, Serialize, Deserialize)]
struct BTreeMapForest {
    trees: BTreeMap<u8, BTreeMapForest>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Expression {
    Number(i64),
    Add(Box<Expression>, Box<Expression>),
    Block {
        first: Box<Expression>,
        rest: Vec<Expression>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct WideNode {
    a: u8,
    b: bool,
    c: u16,
    d: i8,
    e: (u8, u8),
    f: Option<u8>,
    next: Option<Box<WideNode>>,
    text: [String; 8],
}

/// Says in its Serialize that it does not know its length.
struct Unsized;

impl Serialize for Unsized {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq([1u8, 2].iter().filter(|number| **number > 1))
    }
}

thread_local! {
    static VISITED: Cell<u32> = const { Cell::new(0) };
    static HINT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Takes no bytes, and counts how often it is read.
#[derive(Debug)]
struct Counted;

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        VISITED.set(VISITED.get() + 1);
        <()>::deserialize(deserializer)?;
        Ok(Self)
    }
}

/// Notes what it is told to reserve.
#[derive(Debug)]
struct Hinted;

impl<'de> Deserialize<'de> for Hinted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Hinted)
    }
}

impl<'de> Visitor<'de> for Hinted {
    type Value = Hinted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Hinted, A::Error> {
        HINT.set(seq.size_hint());
        while seq.next_element::<u8>()?.is_some() {}
        Ok(Hinted)
    }
}

/// Reads the first element of a sequence and leaves the others.
#[derive(Debug)]
struct FirstOnly;

impl<'de> Deserialize<'de> for FirstOnly {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FirstOnly)
    }
}

impl<'de> Visitor<'de> for FirstOnly {
    type Value = FirstOnly;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<FirstOnly, A::Error> {
        seq.next_element::<u8>()?;
        Ok(FirstOnly)
    }
}

/// Runs `test` with the stack that tokio gives its workers.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(test)
        .expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
