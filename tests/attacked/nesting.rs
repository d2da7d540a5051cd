use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use meshrpc::{
    codec::{self, ArgsReader, MAX_DEPTH, decode_item},
    testing::__http,
    wire::{Codec, ItemReader, put_item_prefix},
};
use meshrpc_fuzz::measure;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Counted, explode, on_a_small_stack};

/// Levels of a bomb: one byte for each is 44 KB at most.
const LEVELS: usize = 44_000;

#[derive(Debug, Deserialize)]
struct Forest(#[expect(dead_code, reason = "it is read and dropped")] Vec<Counted<Forest>>);

#[derive(Debug, Deserialize)]
struct Chain(#[expect(dead_code, reason = "it is read and dropped")] Option<Box<Counted<Chain>>>);

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is read and dropped")]
struct Link {
    value: u8,
    next: Option<Box<Counted<Link>>>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is read and dropped")]
enum Expression {
    Leaf,
    Not(Box<Counted<Expression>>),
    Both(Box<Counted<Expression>>, Box<Counted<Expression>>),
    Block { parts: Vec<Counted<Expression>> },
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is read and dropped")]
struct Tree {
    trees: BTreeMap<u8, Counted<Tree>>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is read and dropped")]
struct Table {
    tables: HashMap<String, Counted<Table>>,
}

/// Buffered by serde before it is read.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind")]
#[expect(dead_code, reason = "it is read and dropped")]
enum Tagged {
    Leaf,
    Node { next: Box<Counted<Tagged>> },
}

/// The other fields are left out.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is read and dropped")]
struct Card {
    id: u8,
}

#[test]
fn fault_09_a_nesting_bomb_is_an_error_after_as_many_levels_as_may_be() {
    on_a_small_stack(|| {
        bomb::<Forest>(Codec::Positional, &[1]);
        bomb::<Chain>(Codec::Positional, &[1]);
        bomb::<Link>(Codec::Positional, &[7, 1]);
        bomb::<Expression>(Codec::Positional, &[1]);
        bomb::<Expression>(Codec::Positional, &[2]);
        bomb::<Expression>(Codec::Positional, &[3, 1]);
        bomb::<Tree>(Codec::Positional, &[1, 7]);
        bomb::<Table>(Codec::Positional, &[1, 1, b'a']);

        bomb::<Forest>(Codec::FieldNamed, &[0x91]);
        // An option and a newtype take no byte: one that is not nil is as deep as one likes.
        bomb::<Chain>(Codec::FieldNamed, &[0x91]);
        bomb::<Link>(Codec::FieldNamed, b"\x82\xa5value\x07\xa4next");
        bomb::<Expression>(Codec::FieldNamed, b"\x81\xa3Not");
        bomb::<Expression>(Codec::FieldNamed, b"\x81\xa4Both\x92");
        bomb::<Expression>(Codec::FieldNamed, b"\x81\xa5Block\x81\xa5parts\x91");
        bomb::<Tree>(Codec::FieldNamed, b"\x81\xa5trees\x81\x07");
        bomb::<Table>(Codec::FieldNamed, b"\x81\xa6tables\x81\xa1a");
        bomb::<Tagged>(Codec::FieldNamed, b"\x82\xa4kind\xa4Node\xa4next");
        bomb::<serde_json::Value>(Codec::FieldNamed, &[0x91]);
        bomb::<Card>(Codec::FieldNamed, b"\x82\xa2id\x07\xa4more");

        bomb::<Forest>(Codec::Json, b"[");
        bomb::<Chain>(Codec::Json, b"1");
        bomb::<Link>(Codec::Json, br#"{"value":7,"next":"#);
        bomb::<Expression>(Codec::Json, br#"{"Not":"#);
        bomb::<Expression>(Codec::Json, br#"{"Both":["#);
        bomb::<Expression>(Codec::Json, br#"{"Block":{"parts":["#);
        bomb::<Tree>(Codec::Json, br#"{"trees":{"7":"#);
        bomb::<Table>(Codec::Json, br#"{"tables":{"a":"#);
        bomb::<Tagged>(Codec::Json, br#"{"kind":"Node","next":"#);
        bomb::<serde_json::Value>(Codec::Json, br#"{"a":"#);
        bomb::<Card>(Codec::Json, br#"{"id":7,"more":["#);
    });
}

/// As many levels as 44 KB have, and what they cost.
fn bomb<T: DeserializeOwned>(codec: Codec, level: &[u8]) {
    let bomb = level.repeat(LEVELS / level.len());
    let name = std::any::type_name::<T>();
    let cost = explode::<T>(codec, &bomb);
    let most = u64::from(MAX_DEPTH);
    assert!(
        cost.visited <= most,
        "{codec:?} reads {} levels of {name}",
        cost.visited
    );
    // What is left of a level is less than a page; nothing is taken for elements that do not come.
    let most = 64 * bomb.len() as u64;
    assert!(
        cost.memory <= most,
        "{codec:?} takes {} bytes for {name}",
        cost.memory
    );
}

#[test]
fn fault_09_a_nesting_bomb_in_an_argument_or_an_item_is_an_error() {
    on_a_small_stack(|| {
        const ARGUMENTS: &[&str] = &["forest"];
        let bodies = [
            (Codec::Positional, [1].repeat(LEVELS)),
            (
                Codec::FieldNamed,
                [b"\x81\xa6forest".to_vec(), [0x91].repeat(LEVELS)].concat(),
            ),
            (
                Codec::Json,
                [br#"{"forest":"#.to_vec(), b"[".repeat(LEVELS)].concat(),
            ),
        ];
        for (codec, body) in &bodies {
            let reader = ArgsReader::new(*codec, ARGUMENTS, body);
            let read = reader.and_then(|mut reader| reader.take::<Forest>());
            assert!(read.is_err(), "{codec:?}");
        }
        // Whole, so that it is found to be a map before it is found to be too deep.
        let whole = |begin: &[u8], end: &[u8], nothing: &[u8]| {
            [&begin.repeat(LEVELS), nothing, &end.repeat(LEVELS)].concat()
        };
        let bodies = [
            (
                Codec::FieldNamed,
                [b"\x81\xa6forest".to_vec(), whole(&[0x91], b"", &[0x90])].concat(),
            ),
            (
                Codec::Json,
                [br#"{"forest":"#, &*whole(b"[", b"]", b""), b"}"].concat(),
            ),
        ];
        for (codec, body) in &bodies {
            let mut reader = ArgsReader::new(*codec, ARGUMENTS, body).expect("a map of names");
            let error = reader.take::<Forest>().expect_err("too deep");
            assert!(
                error.to_string().contains("nested deeper"),
                "{codec:?}: {error}"
            );
            // Under another name nobody looks into it.
            let mut reader = ArgsReader::new(*codec, &["name"], body).expect("a map of names");
            assert!(reader.take::<String>().is_err());
        }

        let mut item = Vec::new();
        put_item_prefix(&mut item, LEVELS, false);
        item.resize(item.len() + LEVELS, 1);
        let mut reader = ItemReader::new(1 << 20);
        reader.push(item.into());
        let item = reader.next().expect("an item").expect("a whole one");
        assert!(decode_item::<Forest>(Codec::Positional, &item).is_err());
    });
}

#[test]
fn fault_09_a_nesting_bomb_in_the_head_of_an_http_message_is_an_error() {
    on_a_small_stack(|| {
        let begin: &[u8] = b"\x84\xa6method\xa3GET\xa6target\xa1/\xa7headers\x90\xa4more";
        let bomb = Bytes::from([begin, &[0x91].repeat(LEVELS), &[0xC0]].concat());
        let memory = measure(|| {
            assert!(__http::request(&bomb).is_err());
            assert!(__http::response(&bomb).is_err());
            assert!(__http::piece(&Bytes::from([&[1], &bomb[..]].concat())).is_err());
        });
        assert!(memory.bytes_max <= 4 * LEVELS as u64, "{memory:?}");
    });
}

#[test]
fn values_as_deep_as_may_be_are_written_read_and_dropped() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Nest(Vec<Nest>);

    #[derive(Debug, Serialize, Deserialize)]
    struct List {
        value: u8,
        next: Option<Box<List>>,
    }

    on_a_small_stack(|| {
        for codec in crate::CODECS {
            // A newtype and a sequence are two levels; so are an option and a struct.
            let mut nest = Nest(Vec::new());
            let mut list = List {
                value: 0,
                next: None,
            };
            for value in 1..MAX_DEPTH as u8 / 2 {
                nest = Nest(vec![nest]);
                list = List {
                    value,
                    next: Some(Box::new(list)),
                };
            }
            let mut bytes = Vec::new();
            codec::encode(codec, &(nest, ()), &mut bytes).unwrap_err();
            codec::encode(codec, &list, &mut bytes).expect("a value that may be written");
            let read: List = codec::decode(codec, &bytes).expect("a value that was written");
            assert_eq!(read.value, list.value);
        }
    });
}
