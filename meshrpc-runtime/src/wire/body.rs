//! The bytes of a message that is sent.

use std::mem;

use bytes::{BufMut as _, Bytes};

use super::buffers;

/// The body of a message that is sent, in one piece or in several that follow one another: a large
/// piece need not be copied to stand behind another one.
#[derive(Clone, Debug, Default)]
pub struct Body {
    first: First,
    rest: Vec<Bytes>,
}

#[derive(Clone, Debug)]
enum First {
    Bytes(Bytes),
    /// One of the buffers that are used again.
    Buffer(Vec<u8>),
}

impl Body {
    /// Adds a piece at the end.
    pub fn push(&mut self, piece: Bytes) {
        if self.is_empty() {
            self.first = First::Bytes(piece);
        } else if !piece.is_empty() {
            self.rest.push(piece);
        }
    }

    /// Adds the pieces of another one at the end.
    pub fn append(&mut self, body: Body) {
        body.into_pieces().for_each(|piece| self.push(piece));
    }

    /// Bytes in all pieces.
    pub fn len(&self) -> usize {
        let rest: usize = self.rest.iter().map(Bytes::len).sum();
        self.first.as_ref().len() + rest
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        // A further piece is only there behind a first one.
        self.first.as_ref().is_empty()
    }

    /// The pieces, in order.
    pub(super) fn into_pieces(self) -> impl Iterator<Item = Bytes> {
        let first = match self.first {
            First::Bytes(bytes) => bytes,
            First::Buffer(buffer) => buffer.into(),
        };
        std::iter::once(first).chain(self.rest)
    }

    /// Appends all of it to `out`.
    pub(super) fn put(mut self, out: &mut Vec<u8>) {
        out.put_slice(self.first.as_ref());
        self.rest.iter().for_each(|piece| out.put_slice(piece));
        if let First::Buffer(buffer) = mem::take(&mut self.first) {
            buffers::give(buffer);
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self {
            first: First::Bytes(bytes),
            rest: Vec::new(),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.len() > buffers::SHORT {
            return Bytes::from(bytes).into();
        }
        Self {
            first: First::Buffer(bytes),
            rest: Vec::new(),
        }
    }
}

impl AsRef<[u8]> for First {
    fn as_ref(&self) -> &[u8] {
        match self {
            First::Bytes(bytes) => bytes,
            First::Buffer(buffer) => buffer,
        }
    }
}

impl Default for First {
    fn default() -> Self {
        First::Bytes(Bytes::new())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}
