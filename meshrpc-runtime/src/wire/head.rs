//! What begins a call and what ends it: the OPEN head, the REPLY head and STATUS, as values.

use std::time::Duration;

use bytes::Bytes;

use crate::error::{Code, Started};

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Codec {
    /// Values in order, without names; only between sides whose fingerprints are equal.
    Positional = 1,
    /// MessagePack with field names.
    FieldNamed = 2,
    /// JSON.
    Json = 3,
}

/// Which directions of a call are streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CallKind {
    /// One message each way.
    Unary = 0,
    /// One message out, a stream back.
    ServerStream = 1,
    /// A stream out, one message back.
    ClientStream = 2,
    /// A stream each way.
    BothStream = 3,
}

/// Text keys and byte values that travel beside a call, at most 64 entries and 8 KiB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Option<Box<Entries>>);

/// At least one: most calls have none, and a head without any is to be small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entries(Vec<(String, Bytes)>);

/// The head of an OPEN frame.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenHead {
    /// Which directions are streams.
    pub kind: CallKind,
    /// How the arguments are written.
    pub codec: Codec,
    /// First eight bytes, little-endian, of SHA-256 of `contract/method`.
    pub method: u64,
    /// Low half of the method's structural fingerprint, 0 if unknown.
    pub schema: u32,
    /// Time left until the caller's deadline, filled in when the frame is written.
    pub time_left: Option<Duration>,
    /// 1 for the first attempt.
    pub attempt: u8,
    /// The call may be made again when it may have run.
    pub idempotent: bool,
    /// Length of the body, if the sender knows; a hint.
    pub body_len: Option<u64>,
    /// Session key.
    pub session: Option<String>,
    /// W3C trace context, `traceparent` as text.
    pub trace: Option<String>,
    /// What the caller attached.
    pub metadata: Metadata,
}

/// The head of a REPLY frame.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplyHead {
    /// How the value is written.
    pub codec: Codec,
    /// What the callee attached.
    pub metadata: Metadata,
}

/// The responder's last word on a call that did not end with a plain reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Canonical code; `None` is success, which ends a stream.
    pub code: Option<Code>,
    /// Whether the method was started.
    pub started: Started,
    /// The callee met this failure in a call of its own.
    pub relayed: bool,
    /// Why, for a refusal by the framework rather than by the method.
    pub reason: Reason,
    /// When the call may be made again.
    pub retry: Retry,
    /// For people, at most 1 KiB.
    pub message: String,
    /// What the callee attached.
    pub trailers: Metadata,
    /// The error itself.
    pub detail: Detail,
}

/// Who refused a call, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// The method itself, or no refusal at all.
    Application = 0,
    /// No such method on this instance.
    UnknownMethod = 1,
    /// Positional arguments of another schema: field-named ones would be understood.
    Schema = 2,
    /// The message is larger than the callee takes.
    TooLarge = 3,
    /// The callee is overloaded.
    Overloaded = 4,
    /// The callee is draining.
    Draining = 5,
    /// The caller may not.
    Denied = 6,
    /// An argument is missing or cannot be decoded.
    InvalidArgument = 7,
    /// The handler panicked or was dropped.
    Panicked = 8,
    /// The deadline passed at the callee.
    DeadlineExceeded = 9,
    /// The peer broke a rule on this stream.
    Protocol = 10,
    /// The result could not be encoded.
    Encode = 11,
}

/// When a refused call may be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Nothing was said.
    Unspecified,
    /// Not before this time has passed.
    After(Duration),
    /// Never.
    Never,
}

/// The error of a failed method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing beside the message.
    None,
    /// The method's error type, encoded.
    Typed {
        /// How it is written.
        codec: Codec,
        /// The bytes.
        bytes: Bytes,
    },
    /// Message and sources, outermost first.
    Chain(Vec<String>),
}

impl OpenHead {
    /// The first attempt of a call that nothing else is said of.
    pub fn new(kind: CallKind, codec: Codec, method: u64) -> Self {
        Self {
            kind,
            codec,
            method,
            schema: 0,
            time_left: None,
            attempt: 1,
            idempotent: false,
            body_len: None,
            session: None,
            trace: None,
            metadata: Metadata::new(),
        }
    }
}

impl ReplyHead {
    /// The head of a reply that nothing is attached to.
    pub fn new(codec: Codec) -> Self {
        Self {
            codec,
            metadata: Metadata::new(),
        }
    }
}

impl Codec {
    /// The codec with this number.
    pub fn from_wire(number: u8) -> Option<Codec> {
        match number {
            1 => Some(Codec::Positional),
            2 => Some(Codec::FieldNamed),
            3 => Some(Codec::Json),
            _ => None,
        }
    }
}

impl Metadata {
    /// Nothing.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Adds an entry; equal keys may occur more than once.
    pub fn push(&mut self, key: impl Into<String>, value: impl Into<Bytes>) {
        let entries = self.0.get_or_insert_default();
        entries.0.push((key.into(), value.into()));
    }

    /// The first value under `key`.
    pub fn get(&self, key: &str) -> Option<&Bytes> {
        self.iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// Every entry, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        let entries = self.0.iter().flat_map(|entries| &entries.0);
        entries.map(|(key, value)| (key.as_str(), value))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |entries| entries.0.len())
    }

    /// True if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Status {
    /// A refusal by the framework.
    pub fn refusal(reason: Reason, started: Started, message: impl Into<String>) -> Self {
        Self {
            code: Some(reason.code()),
            started,
            relayed: false,
            reason,
            retry: Retry::Unspecified,
            message: message.into(),
            trailers: Metadata::new(),
            detail: Detail::None,
        }
    }

    /// An error of the method itself.
    pub fn application(code: Code, message: impl Into<String>, detail: Detail) -> Self {
        Self {
            code: Some(code),
            started: Started::Yes,
            relayed: false,
            reason: Reason::Application,
            retry: Retry::Unspecified,
            message: message.into(),
            trailers: Metadata::new(),
            detail,
        }
    }
}

impl Reason {
    /// The canonical code of a refusal for this reason.
    pub fn code(self) -> Code {
        match self {
            Reason::Application => Code::Unknown,
            Reason::UnknownMethod => Code::Unimplemented,
            Reason::Schema => Code::FailedPrecondition,
            Reason::TooLarge | Reason::Overloaded => Code::ResourceExhausted,
            Reason::Draining => Code::Unavailable,
            Reason::Denied => Code::PermissionDenied,
            Reason::InvalidArgument => Code::InvalidArgument,
            Reason::Panicked | Reason::Protocol | Reason::Encode => Code::Internal,
            Reason::DeadlineExceeded => Code::DeadlineExceeded,
        }
    }

    /// The reason with this number; one that a later version may add reads as `Protocol`.
    pub fn from_wire(number: u8) -> Reason {
        const ALL: [Reason; 12] = [
            Reason::Application,
            Reason::UnknownMethod,
            Reason::Schema,
            Reason::TooLarge,
            Reason::Overloaded,
            Reason::Draining,
            Reason::Denied,
            Reason::InvalidArgument,
            Reason::Panicked,
            Reason::DeadlineExceeded,
            Reason::Protocol,
            Reason::Encode,
        ];
        ALL.into_iter()
            .find(|reason| *reason as u8 == number)
            .unwrap_or(Reason::Protocol)
    }
}
