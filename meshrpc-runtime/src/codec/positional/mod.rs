//! Values in order, without names: the bytes of bincode 2 under its standard configuration.
//!
//! Integers wider than a byte are variable in length: up to 250 in one byte, above it a byte that
//! tells the width (251 for two bytes to 254 for sixteen) and the little-endian value; signed ones
//! are zigzag-coded first. Lengths are `u64`, variants `u32`, an option is one byte 0 or 1.
//!
//! Nothing in the bytes tells what they mean, so both directions are guarded. The writer refuses
//! what the reader could not know: a field left out, a length not told in advance, anything that
//! the type does not read at this place. The reader trusts no length: nesting, elements and
//! elements without bytes are bounded, and bytes left over are an error.

mod de;
mod ser;
mod varint;

use serde::{Deserialize, Serialize};

use self::{de::Reader, ser::Writer};
use super::error::{DecodeError, EncodeError};
use crate::contract::Shape;

pub(super) use self::de::Reader as PositionalReader;

/// Appends `value` to `out`, if it is written as `shape` is read; `out` is unchanged if that fails.
pub(super) fn encode<T: Serialize + ?Sized>(
    shape: Shape<'_>,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = out.len();
    value
        .serialize(&mut Writer::new(shape, out))
        .inspect_err(|_| out.truncate(start))
}

/// Writes what precedes a byte string of this length.
pub(super) fn put_len(len: u32, out: &mut Vec<u8>) {
    varint::put_u64(out, len.into());
}

/// Reads one value that takes all of `bytes`.
pub(super) fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes);
    let read = T::deserialize(&mut reader);
    // As it is: a value that is taken out and wrapped again is copied.
    match reader.finish() {
        Err(trailing) if read.is_ok() => Err(trailing),
        _ => read,
    }
}
