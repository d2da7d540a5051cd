//! Values to bytes and back, in the three codecs of the wire.
//!
//! ```
//! use meshrpc::{codec, wire::Codec};
//!
//! let mut bytes = Vec::new();
//! codec::encode(Codec::Positional, "Max", &mut bytes)?;
//! let name: String = codec::decode(Codec::Positional, &bytes)?;
//! assert_eq!(name, "Max");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Codec::Positional`] is small and fast, and correct only between sides that hold the same
//! types; [`Codec::FieldNamed`] and [`Codec::Json`] carry names. None of them may lose data
//! silently, so every codec has a guard on its writing side: what the reader would take for
//! something else is an [`EncodeError`] before a byte is sent. On the reading side nothing that is
//! read is trusted: nesting is limited to [`MAX_DEPTH`], elements to the bytes that are there, and
//! bytes left over are an error.

mod arguments;
mod attached;
mod error;
mod field_named;
mod items;
#[cfg(feature = "json")]
mod json;
mod named;
mod positional;

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(crate) use self::attached::Attached;
use self::attached::ByteString;
pub use self::{
    arguments::{ArgsReader, ArgsWriter},
    error::{DecodeError, EncodeError},
    items::{ItemWriter, decode_item},
};
use crate::{
    contract::{MethodSpec, Shape},
    wire::Codec,
};

/// Levels of nesting a value may have in any codec: each option, newtype, sequence, tuple, map,
/// struct and enum on the way to a leaf counts, and the fields of a variant are one below it.
pub const MAX_DEPTH: u32 = 128;

/// Elements without bytes, such as those of a `Vec<()>`, that one positional value may hold.
pub const MAX_EMPTY_ELEMENTS: u32 = 65_536;

/// Appends `value` to `out`.
///
/// # Errors
///
/// If the value cannot be written in this codec such that it reads back the same; `out` is
/// unchanged then.
pub fn encode<T: Serialize + ?Sized>(
    codec: Codec,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    write(codec, || Shape::UNKNOWN, value, out).map_err(EncodeError::in_type::<T>)
}

/// Appends what `method` answers to `out`.
///
/// As [`encode`]; a positional value is also held against the shape that the method's contract
/// reads, since a type may write itself in another way than it reads itself.
///
/// # Errors
///
/// As [`encode`].
pub fn encode_reply<T: Serialize + ?Sized>(
    codec: Codec,
    method: &MethodSpec,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    write(codec, || method.reply_shape(), value, out).map_err(EncodeError::in_type::<T>)
}

/// Appends the error that `method` fails with to `out`.
///
/// # Errors
///
/// As [`encode_reply`].
pub fn encode_failure<E: Serialize + ?Sized>(
    codec: Codec,
    method: &MethodSpec,
    error: &E,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    write(codec, || method.error_shape(), error, out).map_err(EncodeError::in_type::<E>)
}

/// Reads one value that takes all of `bytes`.
///
/// # Errors
///
/// If the bytes are no such value, go on after it, or pass a limit.
pub fn decode<T: DeserializeOwned>(codec: Codec, bytes: &[u8]) -> Result<T, DecodeError> {
    read(codec, bytes).map_err(DecodeError::in_type::<T>)
}

/// Reads a byte string that takes all of `body`, of which it stays a part where it is a long one.
pub(crate) fn decode_raw(codec: Codec, body: &Bytes) -> Result<Bytes, DecodeError> {
    let bytes: ByteString<'_> = read(codec, body).map_err(DecodeError::in_type::<Bytes>)?;
    Ok(bytes.part_of(body))
}

fn read<'de, T: Deserialize<'de>>(codec: Codec, bytes: &'de [u8]) -> Result<T, DecodeError> {
    match codec {
        Codec::Positional => positional::decode(bytes),
        Codec::FieldNamed => field_named::decode(bytes),
        #[cfg(feature = "json")]
        Codec::Json => json::decode(bytes),
        #[cfg(not(feature = "json"))]
        Codec::Json => Err(DecodeError::json_off()),
    }
}

/// `shape` tells what a positional value is held against.
fn write<'l, T: Serialize + ?Sized>(
    codec: Codec,
    shape: impl FnOnce() -> Shape<'l>,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    match codec {
        Codec::Positional => positional::encode(shape(), value, out),
        Codec::FieldNamed => field_named::encode(value, out),
        #[cfg(feature = "json")]
        Codec::Json => json::encode(value, out),
        #[cfg(not(feature = "json"))]
        Codec::Json => Err(EncodeError::json_off()),
    }
}
