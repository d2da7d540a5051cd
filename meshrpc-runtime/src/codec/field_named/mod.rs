//! Values with field names: MessagePack, structs as maps, human-readable on both sides.
//!
//! Human-readable because serde buffers tagged and flattened content as such whatever the codec
//! says. Nil is what `None`, `()` and a missing argument are written as, so `Some` of such a value
//! is refused by the guard instead of being read as `None`.

mod scan;

use serde::{Deserialize, Serialize};

use super::{
    arguments::Values,
    error::{DecodeError, DecodeProblem, EncodeError},
    named::{Guard, Guarded, read_bounded},
};

/// What `None` is written as.
pub(super) const NIL: &[u8] = &[0xC0];

/// Appends `value` to `out`; `out` is unchanged if that fails.
pub(super) fn encode<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = out.len();
    let guard = Guard::message_pack();
    let mut serializer = rmp_serde::Serializer::new(&mut *out)
        .with_struct_map()
        .with_human_readable();
    let result = Guarded::new(value, &guard).serialize(&mut serializer);
    result.map_err(|error| {
        out.truncate(start);
        guard.into_error(&error)
    })
}

/// Reads one value that takes all of `bytes`.
pub(super) fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    match scan::value_len(bytes)? {
        len if len == bytes.len() => decode_scanned(bytes),
        len => Err(DecodeError::new(DecodeProblem::TrailingBytes(
            bytes.len() - len,
        ))),
    }
}

/// As [`decode`], for bytes that are known to be exactly one value.
pub(super) fn decode_scanned<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes).with_human_readable();
    read_bounded(&mut deserializer, true)
}

/// Begins the map of `len` arguments.
pub(super) fn put_map_header(len: usize, out: &mut Vec<u8>) {
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ ..=15), _) => out.push(0x80 | len),
        (_, Ok(len)) => {
            out.push(0xDE);
            out.extend_from_slice(&len.to_be_bytes());
        }
        // No function has 65,536 arguments; `ArgsWriter` would find the count wrong.
        _ => out.extend_from_slice(&[0xDE, 0xFF, 0xFF]),
    }
}

/// Writes the wire name of an argument.
pub(super) fn put_name(name: &str, out: &mut Vec<u8>) {
    match (u8::try_from(name.len()), u16::try_from(name.len())) {
        (Ok(len @ ..=31), _) => out.push(0xA0 | len),
        (Ok(len), _) => out.extend_from_slice(&[0xD9, len]),
        (_, Ok(len)) => {
            out.push(0xDA);
            out.extend_from_slice(&len.to_be_bytes());
        }
        _ => {
            out.push(0xDB);
            out.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    out.extend_from_slice(name.as_bytes());
}

/// Writes what precedes a byte string of this length.
pub(super) fn put_bytes_header(len: u32, out: &mut Vec<u8>) {
    out.push(0xC6);
    out.extend_from_slice(&len.to_be_bytes());
}

/// The bytes of each argument's value. No bytes at all are no arguments.
pub(super) fn split_map<'a>(
    arguments: &[&str],
    body: &'a [u8],
) -> Result<Values<&'a [u8]>, DecodeError> {
    let mut values = Values::none(arguments);
    if body.is_empty() {
        return Ok(values);
    }
    let (entries, mut rest) = scan::map_header(body)?;
    for _ in 0..entries {
        let (name, after_name) = scan::text(rest)?;
        let (value, after_value) = after_name.split_at(scan::value_len(after_name)?);
        rest = after_value;
        values.put(arguments, name, value)?;
    }
    match rest.len() {
        0 => Ok(values),
        left => Err(DecodeError::new(DecodeProblem::TrailingBytes(left))),
    }
}
