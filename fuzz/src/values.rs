use std::{collections::BTreeMap, fmt::Debug};

use meshrpc::{
    codec::{self, ArgsReader, ArgsWriter},
    contract::MethodSpec,
    wire::Codec,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::measure;

/// Values in order, as several types.
pub fn positional(input: &[u8]) {
    each(Codec::Positional, input);
}

/// Values with field names, as several types and as the arguments of a call.
pub fn field_named(input: &[u8]) {
    each(Codec::FieldNamed, input);
}

/// JSON, as several types and as the arguments of a call: what a gateway passes on.
pub fn json(input: &[u8]) {
    each(Codec::Json, input);
}

fn each(codec: Codec, input: &[u8]) {
    let Some((which, bytes)) = input.split_first() else {
        return;
    };
    let positional = codec == Codec::Positional;
    match which % 14 {
        0 => value::<Scalars>(codec, bytes),
        1 => value::<Vec<Shape>>(codec, bytes),
        2 => value::<Chain>(codec, bytes),
        3 => value::<Tree>(codec, bytes),
        4 => value::<BTreeMap<String, Vec<Option<i64>>>>(codec, bytes),
        5 => value::<Vec<()>>(codec, bytes),
        6 => value::<(String, Held, [Unit; 3])>(codec, bytes),
        7 => value::<Result<Vec<u8>, String>>(codec, bytes),
        8 => value::<(Option<Option<u8>>, Option<()>)>(codec, bytes),
        9 => arguments(codec, bytes),
        10 if positional => like_bincode::<(u16, Option<i64>, Vec<Shape>, char, bool)>(bytes),
        11 if positional => like_bincode::<(Scalars, BTreeMap<u8, String>)>(bytes),
        10 => value::<Rich>(codec, bytes),
        11 => value::<serde_json::Value>(codec, bytes),
        12 => value::<Vec<Untagged>>(codec, bytes),
        _ => value::<BTreeMap<i32, Tree>>(codec, bytes),
    }
}

/// Reads a value. One that could be read can be written, and reads back the same.
fn value<T: Serialize + DeserializeOwned + Debug>(codec: Codec, bytes: &[u8]) {
    let mut read = None;
    let memory = measure(|| read = codec::decode::<T>(codec, bytes).ok());
    assert_bounded(memory.bytes_max, bytes.len());
    let Some(value) = read else { return };
    let Some(written) = write(codec, &value) else {
        return;
    };
    if codec == Codec::Positional {
        // Every value has one form only, but for integers, which may be wider than they need.
        assert!(written.len() <= bytes.len(), "{value:?} has grown");
    }
    let again: T = codec::decode(codec, &written)
        .unwrap_or_else(|error| panic!("{value:?} was written and is not read: {error}"));
    // Compared as bytes, since NaN is not equal to itself.
    assert_eq!(write(codec, &again), Some(written), "{value:?}");
}

/// `None` if the codec says that it cannot carry the value.
fn write<T: Serialize>(codec: Codec, value: &T) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    codec::encode(codec, value, &mut out).ok().map(|()| out)
}

fn like_bincode<T: Serialize + DeserializeOwned + Debug>(bytes: &[u8]) {
    let config = bincode::config::standard().with_limit::<65_536>();
    let theirs = bincode::serde::decode_from_slice::<T, _>(bytes, config);
    let ours = codec::decode::<T>(Codec::Positional, bytes);
    match theirs {
        Ok((value, read)) if read == bytes.len() => {
            let ours = ours.unwrap_or_else(|error| panic!("{value:?} is not read: {error}"));
            let (ours, theirs) = (
                write(Codec::Positional, &ours),
                write(Codec::Positional, &value),
            );
            assert_eq!(ours, theirs);
        }
        _ => assert!(ours.is_err(), "{ours:?}, where bincode refuses"),
    }
}

static PUT: MethodSpec = MethodSpec::unary("put", 1, &["id", "shape", "note"], |schema| {
    schema.argument::<u64>();
    schema.argument::<Shape>();
    schema.argument::<Option<String>>();
    schema.reply::<()>();
});

/// Reads a request. One that could be read can be written, and reads back the same.
fn arguments(codec: Codec, body: &[u8]) {
    let mut read = None;
    let memory = measure(|| read = take(codec, body));
    assert_bounded(memory.bytes_max, body.len());
    let Some(read) = read else { return };
    let put = |(id, shape, note): &Arguments| {
        let mut out = Vec::new();
        let mut writer = ArgsWriter::new(codec, &PUT, &mut out);
        writer.put(id).ok()?;
        writer.put(shape).ok()?;
        writer.put(note).ok()?;
        writer.finish().expect("three arguments");
        Some(out)
    };
    let Some(written) = put(&read) else { return };
    let again = take(codec, &written).expect("arguments that were written");
    assert_eq!(put(&again), Some(written), "{read:?}");
}

type Arguments = (u64, Shape, Option<String>);

fn take(codec: Codec, body: &[u8]) -> Option<Arguments> {
    let mut reader = ArgsReader::new(codec, PUT.arguments, body).ok()?;
    let arguments = (
        reader.take().ok()?,
        reader.take().ok()?,
        reader.take().ok()?,
    );
    reader.finish().ok()?;
    Some(arguments)
}

/// An element of a byte takes its place in a vector that has grown, or in a node of a map.
fn assert_bounded(memory: u64, len: usize) {
    let most = 4_096 * len as u64 + 65_536;
    assert!(memory <= most, "{memory} bytes for {len}");
}

#[derive(Debug, Serialize, Deserialize)]
struct Scalars {
    unsigned: (u8, u16, u32, u64, u128),
    signed: (i8, i16, i32, i64, i128),
    floats: (f32, f64),
    flag: bool,
    letter: char,
    text: String,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    nothing: (),
}

#[derive(Debug, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Rect(i32, i32),
    Named { name: String, parts: Vec<Shape> },
}

/// Options and newtypes, which take no bytes where names do.
#[derive(Debug, Serialize, Deserialize)]
struct Chain(Option<Box<Chain>>);

#[derive(Debug, Serialize, Deserialize)]
struct Tree {
    label: u8,
    children: Vec<Tree>,
    next: Option<Box<Tree>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Held {
    #[serde(default)]
    count: u32,
    #[serde(rename = "kept", alias = "held")]
    items: Vec<(u8, String)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Rich {
    #[serde(skip_serializing_if = "Option::is_none")]
    nick: Option<String>,
    tagged: Vec<Tagged>,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Card { owner: std::net::IpAddr },
    Tree(Tree),
    Empty,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u64),
    Text(String),
    Tree(Box<Tree>),
    List(Vec<Untagged>),
}
