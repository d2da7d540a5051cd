//! What peers may send that mean no good.
//!
//! What a value costs is counted: the elements that were read, and the bytes that were allocated on
//! the way. Everything here runs on a stack as small as that of a worker of tokio.
//!
//! # Layout
//! - `targets`: the fuzz targets, on what fuzzers have found and on random variations of it
//! - `lengths`: what is declared is longer than it may be, or than what arrives
//! - `nesting`: values in values in values
//! - `empty`: elements that take no bytes
//! - `cuts`: bytes that are missing, or too many
//! - `metadata`: more entries, or longer ones, than a call may have

mod cuts;
mod empty;
mod lengths;
mod metadata;
mod nesting;
mod targets;

use std::cell::Cell;

use meshrpc::{
    codec::{self, DecodeError},
    wire::Codec,
};
use meshrpc_fuzz::measure;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

const CODECS: [Codec; 3] = [Codec::Positional, Codec::FieldNamed, Codec::Json];

thread_local! {
    static VISITED: Cell<u64> = const { Cell::new(0) };
}

/// A value that counts how often it is begun.
#[derive(Debug)]
struct Counted<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Counted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        VISITED.set(VISITED.get() + 1);
        T::deserialize(deserializer).map(Self)
    }
}

/// What a bomb has cost.
struct Cost {
    error: DecodeError,
    /// Counted elements that were begun.
    visited: u64,
    /// The most bytes that were allocated at a time.
    memory: u64,
}

/// Reads a bomb, which is refused.
fn explode<T: DeserializeOwned>(codec: Codec, bomb: &[u8]) -> Cost {
    VISITED.set(0);
    let mut read = None;
    let memory = measure(|| read = Some(codec::decode::<T>(codec, bomb).map(drop)));
    let Some(Err(error)) = read else {
        panic!("{codec:?} reads a bomb of {} bytes", bomb.len());
    };
    Cost {
        error,
        visited: VISITED.get(),
        memory: memory.bytes_max,
    }
}

/// Runs `test` with the stack that tokio gives its workers.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(test);
    if let Err(panic) = thread.expect("a thread").join() {
        std::panic::resume_unwind(panic);
    }
}

/// An integer as the positional codec writes it.
fn varint(number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    codec::encode(Codec::Positional, &number, &mut out).expect("an integer");
    out
}
