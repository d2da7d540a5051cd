//! From a stream of values to the bytes of a direction.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;

use crate::{
    codec::{EncodeError, ItemWriter},
    connection::SendStream,
    wire::Status,
};

/// Bytes of items that are gathered before they are handed to the connection.
const BATCH: usize = 32 << 10;

/// What items are taken from.
pub(crate) trait Fill {
    /// Writes the items that are there. `Pending` as well if some were written, and no more is
    /// there.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut ItemWriter,
    ) -> Poll<Result<Filled, EncodeError>>;
}

/// How filling came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Enough was written to be sent.
    Batch,
    /// There are no more items.
    End,
}

/// A stream, and how its items are written.
pub(crate) struct Fed<S, W> {
    pub(crate) stream: S,
    pub(crate) write: W,
}

impl<S, W> Fill for Fed<S, W>
where
    S: Stream + Unpin,
    W: FnMut(&mut ItemWriter, S::Item) -> Result<(), EncodeError>,
{
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut ItemWriter,
    ) -> Poll<Result<Filled, EncodeError>> {
        while writer.len() < BATCH {
            match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(item) => (self.write)(writer, item)?,
                None => return Poll::Ready(Ok(Filled::End)),
            }
        }
        Poll::Ready(Ok(Filled::Batch))
    }
}

/// A direction on its way out. Dropped unfinished, it breaks off.
pub(crate) struct Sending {
    out: SendStream,
    writer: ItemWriter,
    /// What waits for room.
    chunk: Option<Bytes>,
    ended: bool,
}

/// Why a direction was not sent to its end.
#[derive(Debug)]
pub(crate) enum Unsent {
    /// An item could not be written.
    Item(EncodeError),
    /// The peer takes no more.
    Unwanted,
}

impl Sending {
    pub(crate) fn new(out: SendStream, writer: ItemWriter) -> Self {
        Self {
            out,
            writer,
            chunk: None,
            ended: false,
        }
    }

    /// The same, beginning with bytes that were written before, which are all there is if `ended`.
    pub(crate) fn beginning_with(self, chunk: Option<Bytes>, ended: bool) -> Self {
        Self {
            chunk,
            ended,
            ..self
        }
    }

    /// Sends what `source` has, and ends the direction after it. The source is not asked for more
    /// than there is room for. `sent` sees each chunk before it goes, and whether it is the last.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut (impl Fill + ?Sized),
        mut sent: impl FnMut(Option<&Bytes>, bool),
    ) -> Poll<Result<(), Unsent>> {
        loop {
            if self.chunk.is_some() {
                ready!(self.out.poll_send(cx, &mut self.chunk)).map_err(|_| Unsent::Unwanted)?;
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            // A stream that always has an item must not keep its worker from other tasks.
            let budget = ready!(tokio::task::coop::poll_proceed(cx));
            let filled = source.poll_fill(cx, &mut self.writer);
            match filled {
                Poll::Ready(Ok(filled)) => self.ended = filled == Filled::End,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Unsent::Item(error))),
                Poll::Pending if self.writer.is_empty() => return Poll::Pending,
                Poll::Pending => {}
            }
            budget.made_progress();
            self.chunk = (!self.writer.is_empty()).then(|| self.writer.take());
            sent(self.chunk.as_ref(), self.ended);
            if filled.is_pending() {
                // Both wakers are known now: the source's, and the connection's if there is no room.
                ready!(self.out.poll_send(cx, &mut self.chunk)).map_err(|_| Unsent::Unwanted)?;
                return Poll::Pending;
            }
        }
    }

    /// Says that the direction is complete.
    pub(crate) fn finish(self) {
        self.out.finish();
    }

    /// Server: ends the call with an error instead, after the items that were written.
    pub(crate) async fn fail(mut self, status: Status) {
        if !self.writer.is_empty() {
            self.chunk = Some(self.writer.take());
        }
        if self.chunk.is_some() {
            // If the peer takes no more, it is not told either.
            let _ = poll_fn(|cx| self.out.poll_send(cx, &mut self.chunk)).await;
        }
        self.out.flushed().await;
        self.out.fail(status);
    }
}
