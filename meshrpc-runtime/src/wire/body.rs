//! The bytes of a message that is sent.

use bytes::Bytes;

/// The body of a message that is sent, in one piece or in several that follow one another: a large
/// piece need not be copied to stand behind another one.
#[derive(Clone, Debug, Default)]
pub struct Body {
    first: Bytes,
    rest: Vec<Bytes>,
}

impl Body {
    /// Adds a piece at the end.
    pub fn push(&mut self, piece: Bytes) {
        if self.is_empty() {
            self.first = piece;
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
        self.first.len() + rest
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        // A further piece is only there behind a first one.
        self.first.is_empty()
    }

    /// The pieces, in order.
    pub(super) fn into_pieces(self) -> impl Iterator<Item = Bytes> {
        std::iter::once(self.first).chain(self.rest)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self {
            first: bytes,
            rest: Vec::new(),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}
