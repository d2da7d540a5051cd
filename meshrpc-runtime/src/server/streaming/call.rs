//! What the work on a call has of the caller.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;

use super::{StreamReply, work::Exchange};
use crate::{
    codec::{ArgsReader, DecodeError},
    error::Started,
    server::Request,
    streaming::{Received, Receiving, Unread},
    wire::{Codec, Fault, Reason, Status},
};

/// A call with streams, as the work on it has it.
#[derive(Debug)]
pub struct StreamCall {
    request: Request,
    /// How the arguments are written.
    codec: Codec,
    receiving: Option<Receiving>,
    exchange: Arc<Exchange>,
}

/// The stream that the caller sends, as the method takes it.
///
/// It ends where the caller ended it, and nowhere else. Where it breaks off it stays pending, and
/// the future of the method is dropped.
pub struct Taken<R> {
    receiving: Option<Receiving>,
    exchange: Arc<Exchange>,
    read: R,
}

impl StreamCall {
    pub(super) fn new(mut request: Request, exchange: Arc<Exchange>) -> Self {
        let codec = request.codec();
        let stream = request.stream.take();
        Self {
            request,
            codec,
            receiving: stream.map(|stream| Receiving::new(stream, codec)),
            exchange,
        }
    }

    /// Waits for the arguments, where they come first in a stream.
    pub async fn begin(&mut self) {
        let Some(receiving) = &mut self.receiving else {
            return;
        };
        match poll_fn(|cx| receiving.poll_item(cx)).await {
            Some(Ok(())) => {
                let arguments = receiving.item().item;
                if arguments.field_named {
                    self.codec = Codec::FieldNamed;
                }
                self.request.body = arguments.share();
            }
            None => {
                self.request.body = Bytes::new();
                let message = "the call has no arguments".to_owned();
                self.exchange.fail(malformed(Started::No, message));
                std::future::pending().await
            }
            Some(Err(unread)) => {
                report(&self.exchange, Started::No, &unread);
                std::future::pending().await
            }
        }
    }

    /// The arguments, but for the stream.
    ///
    /// # Errors
    /// If they are none, as far as that shows before the first one is taken.
    pub fn arguments(&self) -> Result<ArgsReader<'_>, DecodeError> {
        let names = self.request.method().arguments;
        let body = self.request.body();
        Ok(ArgsReader::new(self.codec, names, body)?.sharing(body))
    }

    /// The stream that the caller sends: what `read` makes of each item.
    pub fn taken<T, R>(&mut self, read: R) -> Taken<R>
    where
        R: FnMut(Received<'_>) -> Result<T, DecodeError> + Unpin,
    {
        Taken {
            receiving: self.receiving.take(),
            exchange: Arc::clone(&self.exchange),
            read,
        }
    }

    /// Lets go of the request, and of the bytes of its arguments.
    pub fn into_reply(self) -> StreamReply {
        StreamReply::new(&self.request, self.exchange)
    }
}

impl<T, R> Stream for Taken<R>
where
    R: FnMut(Received<'_>) -> Result<T, DecodeError> + Unpin,
{
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self {
            receiving,
            exchange,
            read,
        } = &mut *self;
        let Some(open) = receiving else {
            return Poll::Pending;
        };
        match ready!(open.poll_item(cx)) {
            None => return Poll::Ready(None),
            Some(Ok(())) => match read(open.item()) {
                Ok(item) => return Poll::Ready(Some(item)),
                Err(error) => {
                    let message = format!("invalid argument: an item of the stream: {error}");
                    exchange.fail(malformed(Started::Yes, message));
                }
            },
            Some(Err(unread)) => report(exchange, Started::Yes, &unread),
        }
        *receiving = None;
        Poll::Pending
    }
}

/// A caller that is gone needs no answer, and the work is dropped; one that sends nonsense is told.
fn report(exchange: &Exchange, started: Started, unread: &Unread) {
    if let Unread::Malformed(fault) = unread {
        let reason = match fault {
            Fault::ItemTooLong { .. } => Reason::TooLarge,
            _ => Reason::InvalidArgument,
        };
        let message = format!("the call's stream: {fault}");
        exchange.fail(Status::refusal(reason, started, message));
    }
}

fn malformed(started: Started, message: String) -> Status {
    Status::refusal(Reason::InvalidArgument, started, message)
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

impl<R> fmt::Debug for Taken<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Taken")
    }
}
