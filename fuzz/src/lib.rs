//! What peers may send, as functions of arbitrary bytes.
//!
//! Each target takes an input and panics when a promise of the wire or of a codec is broken. The
//! programs in `fuzz_targets` give them to a fuzzer; `tests/attacked` of the workspace calls the
//! same functions with what fuzzers have found and kept, and with random variations of it.
//!
//! # Layout
//!
//! - `frames`, `hello`, `heads`: bytes that become frames, hellos and heads
//! - `keys`: the handshake in which keys are proved
//! - `streams`: the bytes of a stream and the items in it
//! - `connection`: one side of a connection against a peer that means no good
//! - `values`: the codecs
//! - `http`: heads and pieces of the HTTP contract
//! - `corpus`: inputs that are kept
//! - `memory`: what is allocated, counted

mod connection;
pub mod corpus;
mod frames;
mod heads;
mod hello;
mod http;
mod keys;
mod memory;
mod streams;
mod values;

pub use connection::{client, server};
pub use frames::frames;
pub use heads::heads;
pub use hello::hello;
pub use http::http;
pub use keys::keys;
pub use memory::measure;
pub use streams::streams;
pub use values::{field_named, json, positional};

/// What takes an input.
pub type Target = fn(&[u8]);

/// Every target, by the name of its program and of its corpus.
pub const TARGETS: [(&str, Target); 11] = [
    ("frames", frames),
    ("hello", hello),
    ("keys", keys),
    ("heads", heads),
    ("streams", streams),
    ("client", client),
    ("server", server),
    ("positional", positional),
    ("field_named", field_named),
    ("json", json),
    ("http", http),
];
