//! How the work on a call answers.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;

use super::work::{Exchange, items_codec};
use crate::{
    codec::{EncodeError, ItemWriter},
    contract::{Items, MethodSpec},
    error::Started,
    server::{Request, Response},
    streaming::{Fed, Fill, Filled, Sending, Unsent},
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
        let mut source = Guarded {
            source: Fed { stream, write },
            panic: None,
        };
        let end = poll_fn(|cx| match sending.poll(cx, &mut source, |_, _| {}) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(unsent)) => Poll::Ready(Err(self.status(unsent))),
            Poll::Pending => self.exchange.poll_fault(cx).map(|fault| Err(Some(fault))),
        });
        let end = end.await;
        match (end, source.panic) {
            (_, Some(panic)) => {
                sending.fail(self.panicked()).await;
                // Whoever runs the handler counts and reports it.
                resume_unwind(panic)
            }
            (Ok(()), None) => sending.finish(),
            (Err(Some(status)), None) => sending.fail(status).await,
            // Nobody is there to be told.
            (Err(None), None) => drop(sending),
        }
        Response::ended()
    }

    /// What the caller is told of a stream that panicked.
    fn panicked(&self) -> Status {
        let message = format!("the handler of `{}` panicked", self.method.name);
        Status::refusal(Reason::Panicked, Started::Yes, message)
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

/// A source that ends if it panics, so that what it gave before is sent.
struct Guarded<F> {
    source: F,
    panic: Option<Box<dyn Any + Send>>,
}

impl<F: Fill> Fill for Guarded<F> {
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut ItemWriter,
    ) -> Poll<Result<Filled, EncodeError>> {
        let fill = AssertUnwindSafe(|| self.source.poll_fill(cx, writer));
        match catch_unwind(fill) {
            Ok(filled) => filled,
            Err(panic) => {
                writer.forget_unfinished();
                self.panic = Some(panic);
                Poll::Ready(Ok(Filled::End))
            }
        }
    }
}
