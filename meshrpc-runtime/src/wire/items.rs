//! Items of a stream: `varint(len << 2 | field-named << 1 | compressed)` and `len` bytes, repeated,
//! cut into frames anywhere.
//!
//! Many small items share a frame, and each one says how it is written, because a guard may ask
//! for names at the thousandth. Compression is not negotiated in this version, so its bit is 0.

use bytes::{Buf, Bytes, BytesMut};

use super::fault::Fault;

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its fields are named, whatever the codec of the call.
    pub field_named: bool,
    /// The value.
    pub bytes: Bytes,
}

/// Longest prefix: a 62-bit length in groups of seven bits.
const MAX_PREFIX: usize = 9;

/// Appends the prefix of an item of `len` bytes.
pub fn put_item_prefix(out: &mut Vec<u8>, len: usize, field_named: bool) {
    let mut value = (len as u64) << 2 | u64::from(field_named) << 1;
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Cuts the bytes of a direction into items.
#[derive(Debug)]
pub struct ItemReader {
    buffer: BytesMut,
    max_item: u64,
}

impl ItemReader {
    /// Items longer than `max_item` bytes are refused before their bytes are waited for.
    pub fn new(max_item: u64) -> Self {
        Self {
            buffer: BytesMut::new(),
            max_item,
        }
    }

    /// Adds bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole item; `None` if it has not all arrived.
    ///
    /// # Errors
    /// For a prefix that cannot be, and an item that is too long.
    pub fn next_item(&mut self) -> Result<Option<Item>, Fault> {
        let mut value = 0u64;
        for at in 0..MAX_PREFIX {
            let Some(&byte) = self.buffer.get(at) else {
                return Ok(None);
            };
            value |= u64::from(byte & 0x7F) << (7 * at);
            if byte & 0x80 == 0 {
                return self.take(at + 1, value);
            }
        }
        Err(Fault::Malformed("an item's length is too long"))
    }

    fn take(&mut self, prefix: usize, value: u64) -> Result<Option<Item>, Fault> {
        let len = value >> 2;
        if value & 1 != 0 {
            return Err(Fault::Malformed("a compressed item without compression"));
        }
        if len > self.max_item {
            return Err(Fault::Malformed("an item is larger than this side takes"));
        }
        let len = len as usize;
        if self.buffer.len() < prefix + len {
            return Ok(None);
        }
        self.buffer.advance(prefix);
        let bytes = self.buffer.split_to(len).freeze();
        Ok(Some(Item {
            field_named: value & 2 != 0,
            bytes,
        }))
    }

    /// True if the direction may end here: between two items.
    pub fn is_between(&self) -> bool {
        self.buffer.is_empty()
    }
}
