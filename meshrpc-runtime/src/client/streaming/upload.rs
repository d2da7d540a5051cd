//! A stream argument on its way out.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};

use crate::{
    codec::ItemWriter,
    connection::SendStream,
    contract::{Items, MethodSpec},
    error::{Code, Error, Kind, Limit, Started},
    streaming::{Fill, Sending, Unsent},
    wire::Codec,
};

/// Bytes that are kept to be sent again, should the instance not have started the call.
const KEPT: usize = 64 << 10;

/// A stream argument, and how far it was sent.
pub(super) struct Upload<'a> {
    method: &'static MethodSpec,
    source: Box<dyn Fill + Send + 'a>,
    sending: Option<Sending>,
    /// What was taken of the source, while that is little.
    kept: Option<BytesMut>,
    /// The codec of what is kept.
    codec: Codec,
    ended: bool,
}

impl<'a> Upload<'a> {
    pub(super) fn new(method: &'static MethodSpec, source: Box<dyn Fill + Send + 'a>) -> Self {
        Self {
            method,
            source,
            sending: None,
            kept: Some(BytesMut::new()),
            codec: Codec::Positional,
            ended: false,
        }
    }

    /// Whether a call that writes its items in `codec` can have all of them.
    pub(super) fn can_begin(&self, codec: Codec) -> bool {
        // An item with field names says so, and is understood in a call of any codec.
        self.kept.as_ref().is_some_and(|kept| {
            kept.is_empty() || codec == self.codec || self.codec == Codec::FieldNamed
        })
    }

    /// Begins, or begins again.
    pub(super) fn begin(&mut self, out: SendStream, codec: Codec, max_item: u64) {
        let writer = ItemWriter::new(codec, self.method, Items::Taken, max_item);
        let kept = self.kept.as_ref().filter(|kept| !kept.is_empty());
        let kept = kept.map(|kept| Bytes::copy_from_slice(kept));
        self.codec = codec;
        self.sending = Some(Sending::new(out, writer).beginning_with(kept, self.ended));
    }

    /// Sends what is there. Ready once there is nothing left to send, as when the callee takes no
    /// more: its answer then says why.
    ///
    /// # Errors
    /// If an item cannot be written. Whether the method has run is not known.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(sending) = &mut self.sending else {
            return Poll::Ready(Ok(()));
        };
        let (kept, ended) = (&mut self.kept, &mut self.ended);
        let sent = ready!(sending.poll(cx, &mut *self.source, |chunk, last| {
            *ended = last;
            if let (Some(bytes), Some(chunk)) = (kept.as_mut(), chunk) {
                if bytes.len() + chunk.len() <= KEPT {
                    bytes.extend_from_slice(chunk);
                } else {
                    *kept = None;
                }
            }
        }));
        let sending = self.sending.take();
        Poll::Ready(match sent {
            Ok(()) => {
                sending.into_iter().for_each(Sending::finish);
                Ok(())
            }
            Err(Unsent::Unwanted) => Ok(()),
            Err(Unsent::Item(error)) => {
                let message = format!(
                    "an item sent to `{}` cannot be encoded: {error}",
                    self.method.name
                );
                let refused = if error.is_too_long() {
                    let limit = Limit::MessageSize;
                    Error::new(Kind::Refused { limit }, message)
                } else {
                    Error::new(Kind::Codec, message).with_code(Code::InvalidArgument)
                };
                Err(refused.with_started(Started::Unknown))
            }
        })
    }

    /// Nothing of it is sent any more; what was taken of the source is kept.
    pub(super) fn pause(&mut self) {
        self.sending = None;
    }
}
