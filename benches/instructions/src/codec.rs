//! Arguments and replies, as generated code writes and reads them.

use std::{collections::BTreeMap, hint::black_box};

use anyhow::Result;
use bytes::Bytes;
use meshrpc::{
    codec::{ArgsReader, ArgsWriter},
    mesh_service,
    wire::Codec,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A number, a name, two tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Small {
    id: u64,
    name: String,
    tags: Vec<String>,
}

/// What most types are made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Large {
    rows: Vec<Row>,
    by_name: BTreeMap<String, i64>,
    comment: Option<String>,
}

/// A row of [`Large`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    id: u64,
    name: String,
    at: (f64, f64),
    state: State,
    before: Option<i32>,
    notes: Vec<String>,
}

/// The state of a [`Row`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Nothing more.
    Open,
    /// With one field.
    Held(String),
    /// With names.
    Closed { at: u64, paid: bool },
}

/// What they are arguments of.
#[mesh_service]
pub trait Desk {
    /// Takes a small one.
    async fn small(&self, value: Small) -> Result<()>;
    /// Takes a large one.
    async fn large(&self, value: Large) -> Result<()>;
}

impl Small {
    /// The same each time.
    pub fn new(id: u64) -> Self {
        Self {
            id,
            name: "sixteen bytes on".to_owned(),
            tags: vec!["tag-one.".to_owned(), "tag-two.".to_owned()],
        }
    }
}

impl Large {
    /// The same each time: a hundred rows.
    fn new() -> Self {
        let row = |id: u64| Row {
            id,
            name: format!("row number {id}"),
            at: (id as f64, -0.5),
            state: match id % 3 {
                0 => State::Open,
                1 => State::Held(format!("by {id}")),
                _ => State::Closed { at: id, paid: true },
            },
            before: id.is_multiple_of(2).then_some(-7),
            notes: vec!["a note".to_owned(); id as usize % 4],
        };
        Self {
            rows: (0..100).map(row).collect(),
            by_name: (0..50).map(|id| (format!("name {id}"), -id)).collect(),
            comment: Some("a comment of some length, but not of much".to_owned()),
        }
    }
}

pub fn encode_small_positional() -> Box<dyn FnMut()> {
    encode(Codec::Positional, 0, Small::new(7))
}

pub fn encode_small_named() -> Box<dyn FnMut()> {
    encode(Codec::FieldNamed, 0, Small::new(7))
}

pub fn decode_small_positional() -> Box<dyn FnMut()> {
    decode(Codec::Positional, 0, &Small::new(7))
}

pub fn decode_small_named() -> Box<dyn FnMut()> {
    decode(Codec::FieldNamed, 0, &Small::new(7))
}

pub fn encode_large_positional() -> Box<dyn FnMut()> {
    encode(Codec::Positional, 1, Large::new())
}

pub fn encode_large_named() -> Box<dyn FnMut()> {
    encode(Codec::FieldNamed, 1, Large::new())
}

pub fn decode_large_positional() -> Box<dyn FnMut()> {
    decode(Codec::Positional, 1, &Large::new())
}

pub fn decode_large_named() -> Box<dyn FnMut()> {
    decode(Codec::FieldNamed, 1, &Large::new())
}

/// Writes the argument of a method, into a buffer that is there.
fn encode<T: Serialize + 'static>(codec: Codec, method: usize, value: T) -> Box<dyn FnMut()> {
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        write(codec, method, black_box(&value), &mut out);
        black_box(&out);
    })
}

/// Reads it, and drops it.
fn decode<T>(codec: Codec, method: usize, value: &T) -> Box<dyn FnMut()>
where
    T: Serialize + DeserializeOwned + PartialEq + 'static,
{
    let mut out = Vec::new();
    write(codec, method, value, &mut out);
    let body = Bytes::from(out);
    assert!(read::<T>(codec, method, &body) == *value, "it differs");
    Box::new(move || {
        black_box(read::<T>(codec, method, black_box(&body)));
    })
}

fn write<T: Serialize>(codec: Codec, method: usize, value: &T, out: &mut Vec<u8>) {
    let mut arguments = ArgsWriter::new(codec, &DESK.methods[method], out);
    arguments.put(value).expect("it can be written");
    arguments.finish().expect("that is all");
}

fn read<T: DeserializeOwned>(codec: Codec, method: usize, body: &[u8]) -> T {
    let names = DESK.methods[method].arguments;
    let mut arguments = ArgsReader::new(codec, names, body).expect("arguments");
    let value = arguments.take().expect("it can be read");
    arguments.finish().expect("that is all");
    value
}
