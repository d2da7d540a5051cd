//! Bytes that come in.

use std::{collections::VecDeque, mem, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::{
    super::{fault::Fault, flow::ReceiveWindow},
    message::Message,
    pages::SparePages,
};

/// Pieces of a stream that are shorter are put together while nobody reads them.
const SHORT_PIECE: usize = 16 << 10;

/// A direction that is received.
#[derive(Debug)]
pub(crate) struct Inbound {
    /// Body bytes that have arrived.
    pub(crate) received: u64,
    /// The sender said that this was all, and the count agreed.
    pub(crate) ended: bool,
    body: InboundBody,
}

#[derive(Debug)]
enum InboundBody {
    /// Collected whole. The first piece is kept as it came, since it is usually the only one.
    Buffered {
        pieces: Pieces,
        hint: usize,
        max: u64,
        /// Where there may be pages for it.
        spare: Option<Arc<SparePages>>,
    },
    /// Handed on as it comes: first the queue, then the tail.
    Streaming {
        queue: VecDeque<Bytes>,
        /// Short pieces, in one. A piece of its own costs many times its length, and keeps the
        /// whole of what was read with it.
        tail: BytesMut,
        window: ReceiveWindow,
    },
    /// Counted and dropped: nobody wants it any more.
    Discarded,
}

#[derive(Debug)]
enum Pieces {
    None,
    One(Bytes),
    Many(Message),
}

/// Why bytes were not taken.
#[derive(Debug, PartialEq)]
pub(crate) enum Rejected {
    /// The message is larger than this side takes: this call ends, others go on.
    TooLarge,
    /// The connection cannot go on.
    Fault(Fault),
}

impl Inbound {
    /// `hint` is the length the sender announced; it reserves address space, not more than `max`.
    /// In `spare` there may be pages for it.
    pub(crate) fn buffered(hint: Option<u64>, max: u64, spare: Option<Arc<SparePages>>) -> Self {
        let hint = hint.map_or(0, |hint| usize::try_from(hint.min(max)).unwrap_or(0));
        Self::new(InboundBody::Buffered {
            pieces: Pieces::None,
            hint,
            max,
            spare,
        })
    }

    pub(crate) fn streaming(window: u32) -> Self {
        let window = ReceiveWindow::new(window);
        Self::new(InboundBody::Streaming {
            queue: VecDeque::new(),
            tail: BytesMut::new(),
            window,
        })
    }

    fn new(body: InboundBody) -> Self {
        Self {
            received: 0,
            ended: false,
            body,
        }
    }

    pub(crate) fn is_streaming(&self) -> bool {
        matches!(self.body, InboundBody::Streaming { .. })
    }

    /// Whether nobody wants it any more.
    pub(crate) fn is_discarded(&self) -> bool {
        matches!(self.body, InboundBody::Discarded)
    }

    /// Takes bytes that arrived.
    pub(crate) fn push(&mut self, bytes: Bytes) -> Result<(), Rejected> {
        if self.ended {
            return Err(Rejected::Fault(Fault::Malformed(
                "bytes after the end of a direction",
            )));
        }
        let len = bytes.len() as u64;
        self.received += len;
        match &mut self.body {
            InboundBody::Buffered { max, .. } if self.received > *max => Err(Rejected::TooLarge),
            InboundBody::Buffered {
                pieces,
                hint,
                spare,
                ..
            } => {
                if !bytes.is_empty() {
                    pieces.push(bytes, *hint, spare.as_ref());
                }
                Ok(())
            }
            InboundBody::Streaming {
                queue,
                tail,
                window,
            } => {
                window
                    .arrived(len)
                    .ok_or(Rejected::Fault(Fault::FlowControl))?;
                if bytes.len() < SHORT_PIECE {
                    tail.extend_from_slice(&bytes);
                } else {
                    if !tail.is_empty() {
                        queue.push_back(mem::take(tail).freeze());
                    }
                    queue.push_back(bytes);
                }
                Ok(())
            }
            InboundBody::Discarded => Ok(()),
        }
    }

    /// Lends what has arrived of a message, with room for `len` bytes more, which are to be read
    /// behind it; `None` if this is no message, or none that may be as long.
    pub(crate) fn lend(&mut self, len: usize) -> Option<Message> {
        let InboundBody::Buffered {
            pieces,
            hint,
            max,
            spare,
        } = &mut self.body
        else {
            return None;
        };
        if self.ended || self.received.saturating_add(len as u64) > *max {
            return None;
        }
        let pieces = mem::replace(pieces, Pieces::None);
        Some(pieces.into_room_for(len, *hint, spare.as_ref()))
    }

    /// Takes back what was lent, `len` bytes longer.
    pub(crate) fn take_back(&mut self, whole: Message, len: usize) {
        self.received += len as u64;
        if let InboundBody::Buffered { pieces, .. } = &mut self.body {
            *pieces = Pieces::Many(whole);
        }
    }

    /// The direction is complete; `total`, where the frame carried one, must be what arrived.
    pub(crate) fn end(&mut self, total: Option<u64>) -> Result<(), Fault> {
        if self.ended {
            return Err(Fault::Malformed("a direction ended twice"));
        }
        let unchecked = cfg!(meshrpc_fault = "end_count_unchecked");
        if total.is_some_and(|total| total != self.received) && !unchecked {
            return Err(Fault::Malformed("a direction's bytes do not add up"));
        }
        self.ended = true;
        Ok(())
    }

    /// The whole body of a buffered direction.
    pub(crate) fn take_body(&mut self) -> Bytes {
        match &mut self.body {
            InboundBody::Buffered { pieces, .. } => match mem::replace(pieces, Pieces::None) {
                Pieces::None => Bytes::new(),
                Pieces::One(bytes) => bytes,
                Pieces::Many(bytes) => bytes.freeze(),
            },
            _ => Bytes::new(),
        }
    }

    /// The next bytes of a streaming direction, and the stream credit to return for them.
    pub(crate) fn pop(&mut self) -> Option<(Bytes, Option<u32>)> {
        let InboundBody::Streaming {
            queue,
            tail,
            window,
        } = &mut self.body
        else {
            return None;
        };
        let bytes = match queue.pop_front() {
            Some(bytes) => bytes,
            None if tail.is_empty() => return None,
            None => mem::take(tail).freeze(),
        };
        window.freed(bytes.len() as u64);
        let grant = if self.ended {
            None
        } else {
            window.take_grant(false)
        };
        Some((bytes, grant))
    }

    /// Stream credit that is owed and may be returned at once.
    pub(crate) fn credit_now(&mut self) -> Option<u32> {
        match &mut self.body {
            InboundBody::Streaming { window, .. } => window.take_grant(true),
            _ => None,
        }
    }

    /// The window of a streaming direction, and the bytes in it that wait to be read.
    #[cfg(feature = "testing")]
    pub(crate) fn window(&self) -> Option<(ReceiveWindow, u64)> {
        match &self.body {
            InboundBody::Streaming {
                queue,
                tail,
                window,
            } => {
                let unread: usize = queue.iter().map(Bytes::len).sum();
                Some((*window, (unread + tail.len()) as u64))
            }
            _ => None,
        }
    }

    /// Drops what is there and what comes.
    pub(crate) fn discard(&mut self) {
        self.body = InboundBody::Discarded;
    }
}

impl Pieces {
    fn push(&mut self, bytes: Bytes, hint: usize, spare: Option<&Arc<SparePages>>) {
        match mem::replace(self, Pieces::None) {
            Pieces::None => *self = Pieces::One(bytes),
            pieces => {
                let mut whole = pieces.into_room_for(bytes.len(), hint, spare);
                whole.extend(&bytes);
                *self = Pieces::Many(whole);
            }
        }
    }

    /// In one piece, with room for `len` bytes more, and for the whole message if its length is
    /// known.
    fn into_room_for(self, len: usize, hint: usize, spare: Option<&Arc<SparePages>>) -> Message {
        match self {
            Pieces::None => Message::new(len, hint, spare),
            Pieces::One(first) => {
                let mut whole = Message::new(first.len() + len, hint, spare);
                whole.extend(&first);
                whole
            }
            Pieces::Many(mut whole) => {
                whole.reserve(len, hint, spare);
                whole
            }
        }
    }
}
