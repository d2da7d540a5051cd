//! The golden vectors in `tests/vectors/`: what this side writes is what they say, and what they
//! say is understood. A second implementation can read the same files, and there is one, in Python.
//!
//! `MESHRPC_WRITE_VECTORS=1` writes them anew; a change of one that exists is a change of the
//! protocol.
//!
//! # Layout
//! - `frames`: each frame
//! - `conversations`: calls, streams, refusals and a drain, frame by frame
//! - `malformed`: what may not be sent, and how it is answered
//! - `values`: values in each codec, items, request bodies
//! - `keys`: keys of methods, fingerprints, scores of sessions
//! - `specification`: the examples and tables of `docs/wire.md` and `docs/wire/values.md`
//! - `second`: the client in `client.py`, against a server of this implementation
//! - `parts`, `decoded`, `service`: what these share

mod conversations;
mod decoded;
mod frames;
mod keys;
mod malformed;
mod parts;
mod second;
mod service;
mod specification;
mod values;

use std::{fmt::Debug, fs, path::PathBuf};

use serde::{Serialize, de::DeserializeOwned};

/// The vectors of `file` are `built`.
#[track_caller]
fn check<V: Serialize + DeserializeOwned + PartialEq + Debug>(file: &str, built: &[V]) {
    if std::env::var_os("MESHRPC_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(built).expect("vectors are JSON");
        // Others may read it meanwhile.
        let new = folder().join(format!("{file}.new"));
        fs::write(&new, text + "\n").expect("the folder can be written");
        fs::rename(new, folder().join(file)).expect("the folder can be written");
    }
    let stored: Vec<V> = read(file);
    for (built, stored) in built.iter().zip(&stored) {
        assert_eq!(built, stored, "built, and stored in {file}");
    }
    assert_eq!(built.len(), stored.len(), "vectors without a case");
}

fn read<V: DeserializeOwned>(file: &str) -> Vec<V> {
    let path = folder().join(file);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits");
    (0..text.len()).step_by(2).map(digit).collect()
}
