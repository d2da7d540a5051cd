//! A call as a handler gets it.

use std::{sync::LazyLock, time::Instant};

use bytes::Bytes;

use crate::{
    codec::{ArgsReader, DecodeError},
    connection::RecvStream,
    context::Context,
    contract::MethodSpec,
    wire::{Codec, Metadata, Peer},
};

/// A call. One with a stream argument has begun: its arguments come first, as an item.
#[derive(Debug)]
pub struct Request {
    method: &'static MethodSpec,
    /// What the caller said of it, and who that is.
    context: Context,
    codec: Codec,
    attempt: u8,
    pub(super) body: Bytes,
    pub(super) stream: Option<RecvStream>,
    deadline: Option<Instant>,
}

impl Request {
    pub(crate) fn new(
        method: &'static MethodSpec,
        (codec, attempt): (Codec, u8),
        body: Bytes,
        deadline: Option<Instant>,
        context: Context,
    ) -> Self {
        Self {
            method,
            context,
            codec,
            attempt,
            body,
            stream: None,
            deadline,
        }
    }

    /// The context that the call runs in.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// The same, with a stream that goes on.
    pub(crate) fn with_stream(self, stream: RecvStream) -> Self {
        Self {
            stream: Some(stream),
            ..self
        }
    }

    /// The method.
    pub fn method(&self) -> &'static MethodSpec {
        self.method
    }

    /// The method's key.
    pub fn key(&self) -> u64 {
        self.method.key
    }

    /// How the arguments are written.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The arguments.
    ///
    /// # Errors
    /// If the body is none, as far as that shows before the first argument is taken.
    pub fn arguments(&self) -> Result<ArgsReader<'_>, DecodeError> {
        let reader = ArgsReader::new(self.codec, self.method.arguments, &self.body)?;
        Ok(reader.sharing(&self.body))
    }

    /// The arguments as they came; empty where they come first in a stream.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// What the caller attached.
    pub fn metadata(&self) -> &Metadata {
        self.context.metadata()
    }

    /// Session key the caller gave.
    pub fn session(&self) -> Option<&str> {
        self.context.session()
    }

    /// W3C trace context, as in the header `traceparent`.
    pub fn trace(&self) -> Option<&str> {
        self.context.trace()
    }

    /// 1 for the first attempt of the call.
    pub fn attempt(&self) -> u8 {
        self.attempt
    }

    /// When the caller stops waiting.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The client.
    pub fn peer(&self) -> &Peer {
        static NOBODY: LazyLock<Peer> = LazyLock::new(Peer::default);
        self.context.peer().unwrap_or(&NOBODY)
    }
}
