//! From the bytes of a direction to its items.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, ready},
};

use serde::de::DeserializeOwned;

use crate::{
    codec::{self, DecodeError},
    connection::{CallFailure, RecvStream},
    error::Error,
    wire::{Codec, Fault, ItemReader, ItemRef},
};

/// The items of one direction.
pub(crate) struct Receiving {
    stream: RecvStream,
    reader: ItemReader,
    codec: Codec,
    /// Bytes of an item that has begun, as the connection knows of them.
    begun: usize,
}

/// Bytes of an item that has begun which are not worth being counted.
const UNCOUNTED: usize = 64 << 10;

/// An item as it came.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    pub(crate) item: ItemRef<'a>,
    pub(crate) codec: Codec,
    /// Client: the instance it came from.
    pub(crate) instance: Option<&'a Arc<str>>,
}

/// Why there is no next item although the direction did not end.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The stream broke off.
    Broken(Error),
    /// What came is no item, or half of one.
    Malformed(Fault),
}

impl Receiving {
    /// Items are in `codec` unless they say otherwise.
    pub(crate) fn new(stream: RecvStream, codec: Codec) -> Self {
        let reader = ItemReader::new(stream.max_message());
        Self {
            stream,
            reader,
            codec,
            begun: 0,
        }
    }

    /// Waits for the next item, which [`item`](Self::item) is then; `None` at the verified end.
    #[inline]
    pub(crate) fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(), Unread>>> {
        match self.reader.advance() {
            Ok(true) => Poll::Ready(Some(Ok(()))),
            Ok(false) => self.poll_more(cx),
            Err(fault) => Poll::Ready(Some(Err(Unread::Malformed(fault)))),
        }
    }

    /// The item that was waited for last.
    #[inline]
    pub(crate) fn item(&self) -> Received<'_> {
        Received {
            item: self.reader.item(),
            codec: self.codec,
            instance: None,
        }
    }

    /// Reads until an item is whole.
    #[inline(never)]
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(), Unread>>> {
        loop {
            self.count_begun();
            match ready!(self.stream.poll_recv(cx)) {
                Some(Ok(bytes)) => self.reader.push(bytes),
                Some(Err(error)) => return Poll::Ready(Some(Err(Unread::Broken(error)))),
                None if self.reader.is_between() => return Poll::Ready(None),
                None => {
                    let fault = Fault::Malformed("a stream ended in the middle of an item");
                    return Poll::Ready(Some(Err(Unread::Malformed(fault))));
                }
            }
            match self.reader.advance() {
                Ok(true) => return Poll::Ready(Some(Ok(()))),
                Ok(false) => {}
                Err(fault) => return Poll::Ready(Some(Err(Unread::Malformed(fault)))),
            }
        }
    }

    /// Tells the connection what is kept of an item that is larger than what is read at a time.
    fn count_begun(&mut self) {
        let begun = match self.reader.begun() {
            0..UNCOUNTED => 0,
            begun => begun,
        };
        if begun != self.begun {
            self.stream.hold_read(self.begun, begun);
            self.begun = begun;
        }
    }

    /// Client: all that is known of why the stream broke off, once.
    pub(crate) fn failure(&self) -> Option<CallFailure> {
        self.stream.failure()
    }
}

impl fmt::Debug for Receiving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving")
            .field("stream", &self.stream)
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}

impl Received<'_> {
    /// The item.
    ///
    /// # Errors
    /// If it is not a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        codec::decode_item(self.codec, &self.item)
    }
}
