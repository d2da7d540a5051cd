//! What a call brought back, and how it reads as an [`Error`].

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::{
    codec::{self, DecodeError},
    connection::Reply,
    error::{Code, Error, Kind, Limit, Started},
    wire::{Detail, Metadata, Reason, Retry, Status},
};

/// What a call brought back.
#[derive(Debug)]
pub enum Answer {
    /// The method returned.
    Value(Value),
    /// The method returned its own error.
    Failed(RemoteFailure),
}

/// What a method returned.
#[derive(Debug)]
pub struct Value {
    reply: Reply,
    origin: Origin,
}

/// A method's own error.
#[derive(Debug)]
pub struct RemoteFailure {
    status: Box<Status>,
    origin: Origin,
}

/// Where an answer came from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) attempts: u32,
}

impl Answer {
    pub(crate) fn value(reply: Reply, origin: Origin) -> Self {
        Self::Value(Value { reply, origin })
    }

    /// The method's own error, or the framework's.
    pub(crate) fn of_status(status: Box<Status>, origin: Origin) -> Result<Self, Error> {
        if status.reason == Reason::Application {
            Ok(Self::Failed(RemoteFailure { status, origin }))
        } else {
            Err(refusal(*status, &origin))
        }
    }
}

impl Value {
    /// The value.
    ///
    /// # Errors
    /// Kind `Codec`, started, if it is not a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        codec::decode(self.reply.codec, &self.reply.body).map_err(|error| self.unread(&error))
    }

    /// The value, a byte string, of which a long one is not copied where that can be: it is what is
    /// left of the reply.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn into_raw(self) -> Result<Bytes, Error> {
        codec::decode_raw(self.reply.codec, &self.reply.body).map_err(|error| self.unread(&error))
    }

    /// The value as it was written.
    #[cfg(feature = "gateway")]
    pub(crate) fn into_bytes(self) -> Bytes {
        self.reply.body
    }

    #[cold]
    fn unread(&self, error: &DecodeError) -> Error {
        let message = format!("the reply cannot be decoded: {error}");
        let error = Error::new(Kind::Codec, message);
        self.origin.mark(error.with_started(Started::Yes))
    }

    /// What the handler attached.
    pub fn metadata(&self) -> &Metadata {
        &self.reply.metadata
    }

    /// Stable name of the instance that answered.
    pub fn instance(&self) -> Option<&str> {
        self.origin.instance.as_deref()
    }

    /// How many times the call was handed to an instance.
    pub fn attempts(&self) -> u32 {
        self.origin.attempts
    }
}

impl RemoteFailure {
    pub(super) fn new(status: Box<Status>, origin: Origin) -> Self {
        Self { status, origin }
    }

    /// The method's error as an `E`, if it was sent as a value; `None` if only its message and
    /// sources were.
    ///
    /// # Errors
    /// If the value is not an `E`: kind `Remote`, with the message that came with it.
    pub fn typed<E: DeserializeOwned>(&self) -> Option<Result<E, Error>> {
        let Detail::Typed { codec, bytes } = &self.status.detail else {
            return None;
        };
        let decoded = codec::decode(*codec, bytes);
        Some(decoded.map_err(|error| self.error(self.status.message.clone()).with_source(error)))
    }

    /// The method's error as JSON, if it was sent so.
    #[cfg(feature = "gateway")]
    pub(crate) fn json(&self) -> Option<&[u8]> {
        match &self.status.detail {
            Detail::Typed {
                codec: crate::wire::Codec::Json,
                bytes,
            } => Some(bytes),
            _ => None,
        }
    }

    /// The method's error as message and source chain: kind `Remote`, with the code the callee gave.
    pub fn into_error(self) -> Error {
        match &self.status.detail {
            Detail::Chain(chain) => {
                let mut chain = chain.iter().cloned();
                let message = chain.next().unwrap_or_else(|| self.status.message.clone());
                let error = self.error(message);
                match RemoteCause::of(chain) {
                    Some(cause) => error.with_source(cause),
                    None => error,
                }
            }
            _ => self.error(self.status.message.clone()),
        }
    }

    fn error(&self, message: String) -> Error {
        let error = Error::new(Kind::Remote, message)
            .with_code(self.status.code.unwrap_or(Code::Unknown))
            .with_started(self.status.started)
            .with_relayed(self.status.relayed)
            .with_retry_after(retry_after(self.status.retry));
        self.origin.mark(error)
    }
}

/// An error of kind `Remote` that another process met, outermost message first. `relayed` is the
/// code of the call that it made and that failed.
pub(crate) fn remote_error(messages: Vec<String>, relayed: Option<Code>) -> Error {
    let mut messages = messages.into_iter();
    let error = Error::new(Kind::Remote, messages.next().unwrap_or_default())
        .with_code(relayed.unwrap_or(Code::Unknown))
        .with_started(Started::Yes)
        .with_relayed(relayed.is_some())
        .with_attempts(1);
    match RemoteCause::of(messages) {
        Some(cause) => error.with_source(cause),
        None => error,
    }
}

impl Origin {
    pub(crate) fn mark(&self, error: Error) -> Error {
        error
            .with_instance(self.instance.clone())
            .with_attempts(self.attempts)
    }
}

/// A refusal by the framework on the other side.
pub(super) fn refusal(status: Status, origin: &Origin) -> Error {
    let kind = match status.reason {
        Reason::UnknownMethod | Reason::Schema | Reason::Protocol => Kind::Protocol,
        Reason::TooLarge => Kind::Refused {
            limit: Limit::MessageSize,
        },
        Reason::Overloaded => Kind::Refused { limit: Limit::Load },
        Reason::Draining => Kind::Refused {
            limit: Limit::Draining,
        },
        Reason::Denied => Kind::Denied,
        Reason::InvalidArgument | Reason::Encode => Kind::Codec,
        Reason::DeadlineExceeded => Kind::DeadlineExceeded,
        Reason::Application | Reason::Panicked => Kind::Remote,
    };
    let error = Error::new(kind, status.message)
        .with_code(status.code.unwrap_or(status.reason.code()))
        .with_started(status.started)
        .with_relayed(status.relayed)
        .with_retry_after(retry_after(status.retry));
    origin.mark(error)
}

fn retry_after(retry: Retry) -> Option<Duration> {
    match retry {
        Retry::After(time) => Some(time),
        Retry::Unspecified | Retry::Never => None,
    }
}

/// A source of an error that another process met, as its message.
#[derive(Debug)]
struct RemoteCause {
    message: String,
    source: Option<Box<RemoteCause>>,
}

impl RemoteCause {
    fn of(chain: impl DoubleEndedIterator<Item = String>) -> Option<RemoteCause> {
        chain.rfold(None, |source, message| {
            Some(RemoteCause {
                message,
                source: source.map(Box::new),
            })
        })
    }
}

impl fmt::Display for RemoteCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for RemoteCause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin {
            instance: Some("greeter-1".into()),
            attempts: 2,
        }
    }

    fn failed(status: Status) -> RemoteFailure {
        match Answer::of_status(Box::new(status), origin()) {
            Ok(Answer::Failed(failure)) => failure,
            other => panic!("not the method's own error: {other:?}"),
        }
    }

    #[test]
    fn a_chain_becomes_message_and_sources() {
        let chain = Detail::Chain(["no card", "no row", "disk full"].map(String::from).into());
        let failure = failed(Status::application(Code::NotFound, "no card", chain));
        assert!(failure.typed::<String>().is_none());
        let error = failure.into_error();
        let mut texts = Vec::new();
        let mut cause: Option<&dyn StdError> = Some(&error);
        while let Some(error) = cause {
            texts.push(error.to_string());
            cause = error.source();
        }
        assert_eq!(texts, ["no card", "no row", "disk full"]);
        assert_eq!((error.kind(), error.code()), (Kind::Remote, Code::NotFound));
        assert_eq!((error.instance(), error.attempts()), (Some("greeter-1"), 2));
        assert_eq!(error.started(), Started::Yes);
    }

    #[test]
    fn a_relayed_error_says_so() {
        let status = Status::application(Code::Unavailable, "gone", Detail::None);
        let error = failed(Status {
            relayed: true,
            ..status
        })
        .into_error();
        assert!(error.relayed());
        assert_eq!(
            (error.started(), error.code()),
            (Started::Yes, Code::Unavailable)
        );
    }

    #[test]
    fn each_refusal_has_a_kind() {
        for (reason, kind) in [
            (Reason::UnknownMethod, Kind::Protocol),
            (Reason::Schema, Kind::Protocol),
            (
                Reason::TooLarge,
                Kind::Refused {
                    limit: Limit::MessageSize,
                },
            ),
            (Reason::Overloaded, Kind::Refused { limit: Limit::Load }),
            (
                Reason::Draining,
                Kind::Refused {
                    limit: Limit::Draining,
                },
            ),
            (Reason::Denied, Kind::Denied),
            (Reason::InvalidArgument, Kind::Codec),
            (Reason::Panicked, Kind::Remote),
            (Reason::DeadlineExceeded, Kind::DeadlineExceeded),
            (Reason::Protocol, Kind::Protocol),
            (Reason::Encode, Kind::Codec),
        ] {
            let status = Status {
                retry: Retry::After(Duration::from_millis(5)),
                ..Status::refusal(reason, Started::No, "no")
            };
            let error = Answer::of_status(Box::new(status), origin()).unwrap_err();
            assert_eq!(
                (error.kind(), error.code()),
                (kind, reason.code()),
                "{reason:?}"
            );
            assert_eq!(error.retry_after(), Some(Duration::from_millis(5)));
            assert_eq!(error.started(), Started::No);
        }
    }
}
