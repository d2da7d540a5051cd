//! Items of a stream: `varint(len << 2 | field-named << 1 | compressed)` and `len` bytes, repeated,
//! cut into frames anywhere.
//!
//! Many small items share a frame, and each one says how it is written, because a guard may ask
//! for names at the thousandth. Compression is not negotiated in this version, so its bit is 0.

use std::{mem, ops::Range};

use bytes::{Bytes, BytesMut};

use super::fault::Fault;

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its fields are named, whatever the codec of the call.
    pub field_named: bool,
    /// The value.
    pub bytes: Bytes,
}

/// One item, in the bytes that arrived.
#[derive(Clone, Copy, Debug)]
pub struct ItemRef<'a> {
    /// Its fields are named, whatever the codec of the call.
    pub field_named: bool,
    /// The value.
    pub bytes: &'a [u8],
    piece: &'a Bytes,
}

/// Longest prefix: a 62-bit length in groups of seven bits.
const MAX_PREFIX: usize = 9;

/// Appends the prefix of an item of `len` bytes.
pub fn put_item_prefix(out: &mut Vec<u8>, len: usize, field_named: bool) {
    let (prefix, needed) = item_prefix(len, field_named);
    out.extend_from_slice(&prefix[..needed]);
}

/// The prefix of an item of `len` bytes, and how many of its own it has.
#[inline]
pub(crate) fn item_prefix(len: usize, field_named: bool) -> ([u8; MAX_PREFIX], usize) {
    let mut value = (len as u64) << 2 | u64::from(field_named) << 1;
    let mut prefix = [0; MAX_PREFIX];
    let mut needed = 1;
    while value >= 0x80 && needed < MAX_PREFIX {
        prefix[needed - 1] = value as u8 | 0x80;
        value >>= 7;
        needed += 1;
    }
    prefix[needed - 1] = value as u8;
    (prefix, needed)
}

/// Cuts the bytes of a direction into items.
///
/// Items are read where they arrived; only one that is spread over two pieces is put together.
#[derive(Debug)]
pub struct ItemReader {
    /// What arrived last, read up to `at`.
    piece: Bytes,
    at: usize,
    /// The beginning of an item whose rest has not arrived.
    begun: BytesMut,
    /// An item that was put together.
    whole: Bytes,
    current: Current,
    max_item: u64,
}

/// The item that was found last.
#[derive(Debug, Default)]
struct Current {
    /// Its value, in what arrived, or in what was put together.
    value: Range<usize>,
    joined: bool,
    field_named: bool,
}

/// What an item's prefix says.
struct Prefix {
    /// Its own length.
    len: usize,
    field_named: bool,
    /// Length of the value.
    value: usize,
}

impl ItemReader {
    /// Items longer than `max_item` bytes are refused before their bytes are waited for.
    pub fn new(max_item: u64) -> Self {
        Self {
            piece: Bytes::new(),
            at: 0,
            begun: BytesMut::new(),
            whole: Bytes::new(),
            current: Current::default(),
            max_item,
        }
    }

    /// Adds bytes that arrived, once [`advance`](Self::advance) finds nothing any more.
    pub fn push(&mut self, bytes: Bytes) {
        let unread = mem::replace(&mut self.piece, bytes);
        self.begun.extend_from_slice(&unread[self.at..]);
        self.at = 0;
        self.current = Current::default();
    }

    /// Goes on to the next item, which [`item`](Self::item) is then; false if it has not all
    /// arrived.
    ///
    /// # Errors
    /// For a prefix that cannot be, and an item that is too long.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, Fault> {
        // Nearly always the next one is short, and there.
        let unread = &self.piece[self.at..];
        let (before, prefix) = match *unread {
            [first @ ..0x80, ..] => (1, usize::from(first)),
            [first, second @ ..0x80, ..] => {
                (2, usize::from(first & 0x7F) | usize::from(second) << 7)
            }
            _ => return self.advance_slowly(),
        };
        let end = before + (prefix >> 2);
        let is_plain = prefix & 1 == 0 && (prefix >> 2) as u64 <= self.max_item;
        if self.begun.is_empty() && is_plain && end <= unread.len() {
            let start = self.at;
            self.at += end;
            self.current = Current {
                value: start + before..self.at,
                joined: false,
                field_named: prefix & 2 != 0,
            };
            return Ok(true);
        }
        self.advance_slowly()
    }

    /// The item that [`advance`](Self::advance) found last.
    #[inline]
    pub fn item(&self) -> ItemRef<'_> {
        let Current {
            value,
            joined,
            field_named,
        } = &self.current;
        let piece = if *joined { &self.whole } else { &self.piece };
        ItemRef {
            field_named: *field_named,
            bytes: piece.get(value.clone()).unwrap_or_default(),
            piece,
        }
    }

    /// The next whole item; `None` if it has not all arrived.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    #[expect(
        clippy::should_implement_trait,
        reason = "an item borrows from its reader, which an iterator cannot say"
    )]
    pub fn next(&mut self) -> Result<Option<ItemRef<'_>>, Fault> {
        Ok(self.advance()?.then(|| self.item()))
    }

    /// As [`next`](Self::next), with a share of the bytes.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn next_item(&mut self) -> Result<Option<Item>, Fault> {
        Ok(self.next()?.map(|item| Item {
            field_named: item.field_named,
            bytes: item.share(),
        }))
    }

    /// Bytes of the item that has begun, and whose end has not come.
    pub fn begun(&self) -> usize {
        self.begun.len()
    }

    /// True if the direction may end here: between two items.
    pub fn is_between(&self) -> bool {
        self.begun.is_empty() && self.at == self.piece.len()
    }

    #[inline(never)]
    fn advance_slowly(&mut self) -> Result<bool, Fault> {
        if !self.begun.is_empty() {
            return self.complete();
        }
        let unread = &self.piece[self.at..];
        let Some(prefix) = self.prefix(unread)? else {
            self.keep(0);
            return Ok(false);
        };
        let end = prefix.len + prefix.value;
        if unread.len() < end {
            self.keep(end);
            return Ok(false);
        }
        self.current = Current {
            value: self.at + prefix.len..self.at + end,
            joined: false,
            field_named: prefix.field_named,
        };
        self.at += end;
        Ok(true)
    }

    /// Adds to the item that has begun what it lacks.
    fn complete(&mut self) -> Result<bool, Fault> {
        let prefix = loop {
            match self.prefix(&self.begun)? {
                Some(prefix) => break prefix,
                None if self.at == self.piece.len() => return Ok(false),
                None => {
                    self.begun.extend_from_slice(&self.piece[self.at..=self.at]);
                    self.at += 1;
                }
            }
        };
        let end = prefix.len + prefix.value;
        // Of bytes that were pushed unread, more than one item may have begun.
        let lacks = end.saturating_sub(self.begun.len());
        let there = lacks.min(self.piece.len() - self.at);
        self.begun.reserve(ahead(lacks, self.begun.len() + there));
        self.begun
            .extend_from_slice(&self.piece[self.at..self.at + there]);
        self.at += there;
        if there < lacks {
            return Ok(false);
        }
        self.whole = self.begun.split_to(end).freeze();
        self.current = Current {
            value: prefix.len..end,
            joined: true,
            field_named: prefix.field_named,
        };
        Ok(true)
    }

    /// Keeps the beginning of an item of `len` bytes until more arrives.
    fn keep(&mut self, len: usize) {
        self.begun.reserve(ahead(len, self.piece.len() - self.at));
        self.begun.extend_from_slice(&self.piece[self.at..]);
        self.piece = Bytes::new();
        self.at = 0;
        self.current = Current::default();
    }

    fn prefix(&self, bytes: &[u8]) -> Result<Option<Prefix>, Fault> {
        let mut value = 0u64;
        for (at, &byte) in bytes.iter().take(MAX_PREFIX).enumerate() {
            value |= u64::from(byte & 0x7F) << (7 * at);
            if byte & 0x80 == 0 {
                return self.checked(at + 1, value).map(Some);
            }
        }
        if bytes.len() < MAX_PREFIX {
            return Ok(None);
        }
        Err(Fault::Malformed("an item's length is too long"))
    }

    fn checked(&self, len: usize, value: u64) -> Result<Prefix, Fault> {
        if value & 1 != 0 {
            return Err(Fault::Malformed("a compressed item without compression"));
        }
        if value >> 2 > self.max_item {
            return Err(Fault::ItemTooLong {
                len: value >> 2,
                max: self.max_item,
            });
        }
        Ok(Prefix {
            len,
            field_named: value & 2 != 0,
            value: (value >> 2) as usize,
        })
    }
}

/// Bytes to reserve for an item that lacks some, where as many have arrived as `there`: what is only
/// declared costs nothing.
fn ahead(lacks: usize, there: usize) -> usize {
    lacks.min(4 * there.max(1 << 10))
}

impl ItemRef<'_> {
    /// The value, sharing the bytes that arrived.
    pub fn share(&self) -> Bytes {
        self.piece.slice_ref(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(items: &[(usize, bool)]) -> Vec<u8> {
        let mut out = Vec::new();
        for &(len, named) in items {
            put_item_prefix(&mut out, len, named);
            out.extend((0..len).map(|at| at as u8));
        }
        out
    }

    #[test]
    fn items_are_the_same_wherever_they_are_cut() {
        let items = [
            (0, false),
            (1, true),
            (31, false),
            (32, true),
            (5_000, false),
            (0, true),
        ];
        let bytes = Bytes::from(written(&items));
        for step in [1, 2, 3, 7, 33, 4_096, bytes.len()] {
            let mut reader = ItemReader::new(5_000);
            let mut read = Vec::new();
            let mut rest = bytes.clone();
            while !rest.is_empty() {
                reader.push(rest.split_to(step.min(rest.len())));
                while let Some(item) = reader.next().unwrap() {
                    assert!(
                        item.bytes
                            .iter()
                            .enumerate()
                            .all(|(at, byte)| at as u8 == *byte)
                    );
                    assert_eq!(item.share(), item.bytes);
                    read.push((item.bytes.len(), item.field_named));
                }
            }
            assert_eq!(read, items, "in pieces of {step}");
            assert!(reader.is_between());
        }
    }

    #[test]
    fn bytes_pushed_before_the_last_were_read_are_kept() {
        let bytes = Bytes::from(written(&[(3, false), (4, false), (5, true)]));
        let mut reader = ItemReader::new(8);
        reader.push(bytes.slice(..7));
        reader.push(bytes.slice(7..));
        let mut lengths = Vec::new();
        while let Some(item) = reader.next_item().unwrap() {
            lengths.push(item.bytes.len());
        }
        assert_eq!(lengths, [3, 4, 5]);
    }

    #[test]
    fn an_item_that_is_too_long_is_refused_by_its_prefix() {
        let mut reader = ItemReader::new(10);
        let mut prefix = Vec::new();
        put_item_prefix(&mut prefix, 11, false);
        reader.push(prefix.into());
        assert!(reader.next().is_err());
        reader = ItemReader::new(u64::MAX);
        reader.push(Bytes::from_static(&[0xFF; 9]));
        assert!(reader.next().is_err());
    }

    #[test]
    fn an_end_within_an_item_is_not_between() {
        let mut reader = ItemReader::new(10);
        reader.push(
            written(&[(4, false)])
                .into_iter()
                .take(3)
                .collect::<Vec<_>>()
                .into(),
        );
        assert!(reader.next().unwrap().is_none());
        assert!(!reader.is_between());
    }
}
