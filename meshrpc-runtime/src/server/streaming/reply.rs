//! How the work on a call answers.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use futures_core::Stream;

use super::work::{Exchange, items_codec};
use crate::{
    codec::{EncodeError, ItemWriter},
    contract::{Items, MethodSpec},
    error::Started,
    server::{Request, Response},
    streaming::{Fed, Sending, Unsent},
    wire::{Codec, Reason, Status},
};

/// The answer that is due; all that is kept of a request while the method runs.
#[derive(Debug)]
pub struct StreamReply {
    method: &'static MethodSpec,
    codec: Codec,
    max_item: u64,
    exchange: Arc<Exchange>,
}

impl StreamReply {
    pub(super) fn new(request: &Request, exchange: Arc<Exchange>) -> Self {
        Self {
            method: request.method(),
            codec: request.codec(),
            max_item: request.peer().max_message,
            exchange,
        }
    }

    /// How the request was written, for answers without a stream.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The method.
    pub fn method(&self) -> &'static MethodSpec {
        self.method
    }

    /// Answers with a stream, and sends it to its end.
    pub async fn send<S, W>(self, stream: S, write: W) -> Response
    where
        S: Stream,
        W: FnMut(&mut ItemWriter, S::Item) -> Result<(), EncodeError>,
    {
        let stream = pin!(stream);
        let out = self.exchange.answer().await;
        let codec = items_codec(self.codec, self.method);
        let writer = ItemWriter::new(codec, self.method, Items::Answered, self.max_item);
        let mut sending = Sending::new(out, writer);
        let mut source = Fed { stream, write };
        let end = poll_fn(|cx| match sending.poll(cx, &mut source, |_, _| {}) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(unsent)) => Poll::Ready(Err(self.status(unsent))),
            Poll::Pending => self.exchange.poll_fault(cx).map(|fault| Err(Some(fault))),
        });
        match end.await {
            Ok(()) => sending.finish(),
            Err(Some(status)) => sending.fail(status),
            // Nobody is there to be told.
            Err(None) => drop(sending),
        }
        Response::ended()
    }

    /// What the caller is told of a stream that could not be sent.
    fn status(&self, unsent: Unsent) -> Option<Status> {
        let Unsent::Item(error) = unsent else {
            return None;
        };
        let reason = if error.is_too_long() {
            Reason::TooLarge
        } else {
            Reason::Encode
        };
        let message = format!(
            "an item of `{}` cannot be encoded: {error}",
            self.method.name
        );
        Some(Status::refusal(reason, Started::Yes, message))
    }
}
