//! The items of a stream, each by itself: positionally while that can be, with names where one
//! needs them.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    decode,
    error::{DecodeError, EncodeError, EncodeProblem},
    write,
};
use crate::{
    contract::{Items, MethodSpec, Shape},
    wire::{Codec, ItemRef, item_prefix},
};

/// Writes the items of one direction of a call, one after the other, into a buffer.
///
/// One item that the positional codec would corrupt is written with field names, and says so; the
/// next one is tried positionally again.
#[derive(Debug)]
pub struct ItemWriter {
    codec: Codec,
    /// What positional items are held against.
    shape: Shape<'static>,
    of: Items,
    /// Longest item that the reader takes.
    max: u64,
    out: Vec<u8>,
    /// Bytes of items that are written to their ends.
    whole: usize,
    /// Length of the last prefix: the next one is likely to be as long.
    prefix: usize,
}

impl ItemWriter {
    pub(crate) fn new(codec: Codec, method: &'static MethodSpec, of: Items, max: u64) -> Self {
        Self {
            codec,
            shape: method.items_shape(of),
            of,
            max,
            out: Vec::new(),
            whole: 0,
            prefix: 1,
        }
    }

    /// Writes an item.
    ///
    /// # Errors
    /// If it cannot be written such that it reads back the same, or is longer than the reader takes.
    /// Nothing of it is left in the buffer then.
    pub fn put<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), EncodeError> {
        self.put_as::<T, T>(item)
    }

    /// [`put`](Self::put) of what an item crosses as, where an error is to name the item's type.
    ///
    /// # Errors
    /// As `put`.
    pub fn put_as<Item: ?Sized, T: Serialize + ?Sized>(
        &mut self,
        item: &T,
    ) -> Result<(), EncodeError> {
        let put = match self.try_put(self.codec, item) {
            Err(error) if error.needs_field_names() && self.codec == Codec::Positional => {
                self.try_put(Codec::FieldNamed, item)
            }
            result => result,
        };
        put.map_err(EncodeError::in_type::<Item>)
    }

    /// Bytes in the buffer.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether there is nothing in the buffer.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Forgets an item whose writing came to no end, as it panicked.
    pub(crate) fn forget_unfinished(&mut self) {
        self.out.truncate(self.whole);
    }

    /// Takes what was written.
    pub fn take(&mut self) -> Bytes {
        // What comes next is likely to be as much, or a little more.
        let next = Vec::with_capacity(self.out.len() + self.out.len() / 8);
        self.whole = 0;
        std::mem::replace(&mut self.out, next).into()
    }

    fn try_put<T: Serialize + ?Sized>(
        &mut self,
        codec: Codec,
        item: &T,
    ) -> Result<(), EncodeError> {
        let start = self.out.len();
        (0..self.prefix).for_each(|_| self.out.push(0));
        if let Err(error) = write(codec, || self.shape, item, &mut self.out) {
            self.out.truncate(start);
            return Err(error);
        }
        let len = self.out.len() - start - self.prefix;
        if len as u64 > self.max {
            self.out.truncate(start);
            return Err(self.too_long(len as u64));
        }
        self.put_prefix(start, len, codec == Codec::FieldNamed);
        Ok(())
    }

    /// Puts the prefix of the item that begins behind the room left for it at `start`.
    #[inline]
    fn put_prefix(&mut self, start: usize, len: usize, field_named: bool) {
        let (prefix, needed) = item_prefix(len, field_named);
        if needed != self.prefix {
            self.make_room(start, len, needed);
        }
        for (to, byte) in self.out[start..].iter_mut().zip(&prefix[..needed]) {
            *to = *byte;
        }
        self.whole = self.out.len();
    }

    /// Moves the item at the end so that it begins `needed` bytes behind `start`.
    #[cold]
    fn make_room(&mut self, start: usize, len: usize, needed: usize) {
        let value = start + self.prefix..start + self.prefix + len;
        self.out.resize(value.end.max(start + needed + len), 0);
        self.out.copy_within(value, start + needed);
        self.out.truncate(start + needed + len);
        self.prefix = needed;
    }

    #[cold]
    fn too_long(&self, len: u64) -> EncodeError {
        let (reader, setting) = match self.of {
            Items::Taken => ("callee", "Limits::max_message` of its server"),
            Items::Answered => ("caller", "ClientLimits::max_message` of its mesh"),
        };
        EncodeError::new(EncodeProblem::TooLong {
            len,
            max: self.max,
            reader,
            setting,
        })
    }
}

/// Reads one item of a direction whose items are in `codec` unless they say otherwise.
///
/// # Errors
/// As [`decode`].
pub fn decode_item<T: DeserializeOwned>(
    codec: Codec,
    item: &ItemRef<'_>,
) -> Result<T, DecodeError> {
    let codec = if item.field_named {
        Codec::FieldNamed
    } else {
        codec
    };
    decode(codec, item.bytes)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::wire::ItemReader;

    static METHOD: MethodSpec = MethodSpec::unary("rows", 1, &[], |schema| {
        schema.items::<Row>();
    });

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        note: Option<u8>,
        last: bool,
    }

    fn row(len: usize, note: Option<u8>) -> Row {
        let text = "x".repeat(len);
        let last = true;
        Row { text, note, last }
    }

    #[test]
    fn only_the_item_that_needs_names_has_them() {
        let rows = [
            row(1, Some(1)),
            row(2, None),
            row(40, Some(3)),
            row(9_000, Some(4)),
            row(0, None),
            row(3, Some(5)),
        ];
        let mut writer = ItemWriter::new(Codec::Positional, &METHOD, Items::Answered, 10_000);
        for row in &rows {
            writer.put(row).unwrap();
        }
        let mut reader = ItemReader::new(10_000);
        reader.push(writer.take());
        for row in &rows {
            let item = reader.next().unwrap().unwrap();
            assert_eq!(item.field_named, row.note.is_none(), "{row:?}");
            assert_eq!(decode_item::<Row>(Codec::Positional, &item).unwrap(), *row);
        }
        assert!(reader.is_between());
    }

    #[test]
    fn an_item_that_cannot_be_written_leaves_nothing_behind() {
        let mut writer = ItemWriter::new(Codec::Positional, &METHOD, Items::Answered, 20);
        writer.put(&row(1, Some(1))).unwrap();
        let before = writer.len();
        assert!(writer.put(&row(100, Some(1))).unwrap_err().is_too_long());
        assert_eq!(writer.len(), before);
    }
}
