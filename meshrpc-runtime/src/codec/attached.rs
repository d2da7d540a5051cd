//! Byte strings that keep their own memory: on the way out beside the buffer that the rest is
//! written to, on the way in as a part of the message that arrived.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};

use super::{field_named, positional};
use crate::wire::{Body, Codec};

/// Shorter byte strings are copied: that costs less than a piece of their own in the body that is
/// sent, and what is kept of a body that arrived keeps the whole of it.
const SHORTEST: usize = 16 << 10;

/// Byte strings of a body that were not copied into its buffer.
#[derive(Debug, Default)]
pub(crate) struct Attached {
    /// With the place in the buffer that each stands at, in order.
    strings: Vec<(usize, Bytes)>,
}

impl Attached {
    /// Writes what precedes `bytes` to `out`, and keeps them for the body. `false`, and nothing is
    /// done, where they are better copied, or the codec has another form for them.
    pub(crate) fn put(&mut self, codec: Codec, bytes: &Bytes, out: &mut Vec<u8>) -> bool {
        let len = match u32::try_from(bytes.len()) {
            Ok(len) if bytes.len() >= SHORTEST => len,
            _ => return false,
        };
        match codec {
            Codec::Positional => positional::put_len(len, out),
            Codec::FieldNamed => field_named::put_bytes_header(len, out),
            Codec::Json => return false,
        }
        self.strings.push((out.len(), bytes.clone()));
        true
    }

    pub(super) fn clear(&mut self) {
        self.strings.clear();
    }

    /// The body: what was written to `out`, with the byte strings in their places.
    pub(crate) fn into_body(self, out: Vec<u8>) -> Body {
        if self.strings.is_empty() {
            return out.into();
        }
        let mut written = Bytes::from(out);
        let mut body = Body::default();
        let mut taken = 0;
        for (place, bytes) in self.strings {
            let before = written.split_to((place - taken).min(written.len()));
            taken = place;
            body.push(before);
            body.push(bytes);
        }
        body.push(written);
        body
    }
}

/// A byte string that is read, borrowed where it stands in the body as it is.
pub(super) struct ByteString<'de>(Cow<'de, [u8]>);

impl ByteString<'_> {
    /// As a part of `body`, which it was read from.
    pub(super) fn part_of(self, body: &Bytes) -> Bytes {
        match self.0 {
            Cow::Owned(bytes) => bytes.into(),
            Cow::Borrowed(bytes) if bytes.len() < SHORTEST => Bytes::copy_from_slice(bytes),
            Cow::Borrowed(bytes) => body.slice_ref(bytes),
        }
    }

    pub(super) fn into_owned(self) -> Bytes {
        self.0.into_owned().into()
    }
}

impl<'de> Deserialize<'de> for ByteString<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_bytes::deserialize(deserializer).map(Self)
    }
}
