//! The bytes of a message, as far as they have arrived.

use std::{mem, sync::Arc};

use bytes::{BufMut, Bytes, BytesMut};

use super::pages::{Pages, SparePages};

/// Messages that are announced to be as long have pages of their own.
pub(crate) const MAPPED: usize = 4 << 20;
/// Once as much of such a message has come, its pages may be huge ones: a page is memory from its
/// first byte on, and what a peer only announces must cost nothing.
const HUGE: usize = 1 << 20;
/// Bytes that are reserved at most for each that has come. A chunk of 256 KiB brings room for the
/// longest message; one of a byte, which only costs its sender a frame, brings little.
const AHEAD: usize = 512;

/// The bytes of a message, as far as they have arrived, and room for the rest.
#[derive(Debug)]
pub(crate) enum Message {
    /// On the heap.
    Heap(BytesMut),
    /// In pages of its own. A page costs more than to copy what fits it: of 64 MiB, the small pages
    /// take longer than the bytes on their way between two processes. Huge ones take a fifth.
    Mapped { pages: Pages, filled: usize },
}

impl Message {
    /// With room for `len` bytes, and for `hint` if the sender said that there will be as many.
    pub(super) fn new(len: usize, hint: usize, spare: Option<&Arc<SparePages>>) -> Self {
        if let Some(mapped) = Self::mapped(len, hint, spare) {
            return mapped;
        }
        let ahead = match hint {
            ..MAPPED => hint.min(len.saturating_mul(AHEAD)),
            // It gets its pages once enough has come.
            _ => 0,
        };
        Self::Heap(BytesMut::with_capacity(ahead.max(len)))
    }

    /// In pages of its own, if it is to be that long, and `len` bytes entitle it to as many.
    fn mapped(len: usize, hint: usize, spare: Option<&Arc<SparePages>>) -> Option<Self> {
        if hint < MAPPED || hint < len || hint > len.saturating_mul(AHEAD) {
            return None;
        }
        // Where there is no room for what was announced, perhaps there is for what comes.
        let pages = Pages::new(hint, spare)?;
        Some(Self::Mapped { pages, filled: 0 })
    }

    /// Bytes that have arrived.
    pub(crate) fn arrived(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Mapped { pages, filled } => &pages.as_ref()[..*filled],
        }
    }

    /// Makes room for `len` bytes more; `hint` as for [`new`](Self::new).
    pub(super) fn reserve(&mut self, len: usize, hint: usize, spare: Option<&Arc<SparePages>>) {
        let whole = self.arrived().len() + len;
        let moved = match self {
            Self::Mapped { pages, .. } if pages.len() >= whole => return,
            // It is longer than was announced.
            Self::Mapped { .. } => Self::Heap(BytesMut::with_capacity(whole)),
            Self::Heap(bytes) => match Self::mapped(whole, hint, spare) {
                Some(mapped) => mapped,
                None => return bytes.reserve(len),
            },
        };
        let before = mem::replace(self, moved);
        self.extend(before.arrived());
    }

    /// Lets `fill` add up to `most` bytes, for which there is room.
    pub(crate) fn fill<T>(&mut self, most: usize, fill: impl FnOnce(&mut dyn BufMut) -> T) -> T {
        match self {
            Self::Heap(bytes) => fill(&mut bytes.limit(most)),
            Self::Mapped { pages, filled } => {
                if *filled >= HUGE {
                    pages.advise_huge();
                }
                let end = pages.len().min(filled.saturating_add(most));
                let mut room = &mut pages.as_mut()[*filled..end];
                let result = fill(&mut room);
                *filled = end - room.remaining_mut();
                result
            }
        }
    }

    /// Adds bytes, for which there is room.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.fill(bytes.len(), |room| room.put_slice(bytes));
    }

    /// The whole message.
    pub(super) fn freeze(self) -> Bytes {
        match self {
            Self::Heap(bytes) => bytes.freeze(),
            Self::Mapped { pages, filled } => {
                let mut bytes = Bytes::from_owner(pages);
                bytes.truncate(filled);
                bytes
            }
        }
    }
}
