//! A call as a handler gets it.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;

use crate::{
    codec::{ArgsReader, DecodeError},
    connection::RecvStream,
    contract::MethodSpec,
    wire::{Codec, Metadata, OpenHead, Peer},
};

/// A call. One with a stream argument has begun: its arguments come first, as an item.
#[derive(Debug)]
pub struct Request {
    method: &'static MethodSpec,
    head: OpenHead,
    pub(super) body: Bytes,
    pub(super) stream: Option<RecvStream>,
    deadline: Option<Instant>,
    peer: Arc<Peer>,
}

impl Request {
    pub(crate) fn new(
        method: &'static MethodSpec,
        head: OpenHead,
        body: Bytes,
        deadline: Option<Instant>,
        peer: Arc<Peer>,
    ) -> Self {
        Self {
            method,
            head,
            body,
            stream: None,
            deadline,
            peer,
        }
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
        self.head.codec
    }

    /// The arguments.
    ///
    /// # Errors
    /// If the body is none, as far as that shows before the first argument is taken.
    pub fn arguments(&self) -> Result<ArgsReader<'_>, DecodeError> {
        let reader = ArgsReader::new(self.head.codec, self.method.arguments, &self.body)?;
        Ok(reader.sharing(&self.body))
    }

    /// The arguments as they came; empty where they come first in a stream.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// What the caller attached.
    pub fn metadata(&self) -> &Metadata {
        &self.head.metadata
    }

    /// Session key the caller gave.
    pub fn session(&self) -> Option<&str> {
        self.head.session.as_deref()
    }

    /// W3C trace context, as in the header `traceparent`.
    pub fn trace(&self) -> Option<&str> {
        self.head.trace.as_deref()
    }

    /// 1 for the first attempt of the call.
    pub fn attempt(&self) -> u8 {
        self.head.attempt
    }

    /// When the caller stops waiting.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The client.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }
}
