//! One error type, few kinds, each saying whose fault it is and whether the call may have run.

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

/// Why a call, a connection or a mesh operation failed.
///
/// One boxed pointer wide, so that `Result<T, Error>` stays small. [`kind`](Error::kind) says what
/// to do about it, [`code`](Error::code) is its canonical code, and [`started`](Error::started)
/// says whether the remote method may have run.
///
/// A generated client turns it into the error type of the trait; with `anyhow` it is found again by
/// `error.downcast_ref::<meshrpc::Error>()`.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    code: Code,
    started: Started,
    relayed: bool,
    message: Cow<'static, str>,
    /// Stable name of the instance the last attempt went to.
    instance: Option<Arc<str>>,
    attempts: u32,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong, by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// No instance could be reached, or the connection to it was lost.
    Unavailable,
    /// The call's deadline passed.
    DeadlineExceeded,
    /// The caller, or the peer, gave the call up.
    Cancelled,
    /// A limit of the callee or of this process was reached.
    Refused {
        /// The limit.
        limit: Limit,
    },
    /// The callee does not allow this caller to do this.
    Denied,
    /// The two sides disagree: unknown method, no contract in common, or a peer that broke the
    /// protocol.
    Protocol,
    /// A value could not be encoded or decoded.
    Codec,
    /// The method ran and failed: its own error, carried as message and source chain.
    Remote,
}

/// A limit that [`Kind::Refused`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// Bytes of one message.
    MessageSize,
    /// Entries or bytes of metadata.
    Metadata,
    /// Bytes of a session key.
    SessionKey,
    /// Connections that an instance takes.
    Connections,
    /// The instance is draining and takes no new calls.
    Draining,
    /// The instance said it is overloaded.
    Load,
}

/// Canonical codes, numbered as gRPC numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Code {
    /// The call was given up.
    Cancelled = 1,
    /// An application error without a code of its own.
    Unknown = 2,
    /// An argument is missing or cannot be decoded.
    InvalidArgument = 3,
    /// The deadline passed.
    DeadlineExceeded = 4,
    /// What was asked for does not exist.
    NotFound = 5,
    /// What was to be created exists.
    AlreadyExists = 6,
    /// The caller may not do this.
    PermissionDenied = 7,
    /// A limit or quota is used up.
    ResourceExhausted = 8,
    /// The system is not in the state the call needs.
    FailedPrecondition = 9,
    /// A conflict with another call.
    Aborted = 10,
    /// Past the valid range.
    OutOfRange = 11,
    /// No such method.
    Unimplemented = 12,
    /// A fault of the callee, such as a panic in a handler.
    Internal = 13,
    /// No instance can be reached now.
    Unavailable = 14,
    /// Data was lost or corrupted.
    DataLoss = 15,
    /// The caller is not authenticated.
    Unauthenticated = 16,
}

/// Whether the remote method was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Started {
    /// It certainly was not: the call may be made again.
    No = 0,
    /// It was.
    Yes = 1,
    /// It may have been: repeat it only if it is idempotent.
    Unknown = 2,
}

impl Error {
    /// An error of `kind` with the kind's own code, not relayed, for a call that never started.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            code: kind.code(),
            started: Started::No,
            relayed: false,
            message: message.into(),
            instance: None,
            attempts: 0,
            retry_after: None,
            source: None,
        }))
    }

    pub(crate) fn with_code(mut self, code: Code) -> Self {
        self.0.code = code;
        self
    }

    pub(crate) fn with_started(mut self, started: Started) -> Self {
        self.0.started = started;
        self
    }

    pub(crate) fn with_relayed(mut self, relayed: bool) -> Self {
        self.0.relayed = relayed;
        self
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_instance(mut self, instance: Option<Arc<str>>) -> Self {
        self.0.instance = instance;
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The canonical code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Whether the method may have run. The answer is about the method the caller called: an error
    /// that the callee merely passed on says [`Started::Yes`].
    pub fn started(&self) -> Started {
        self.0.started
    }

    /// True if the callee met this error in a call of its own and passed it on.
    pub fn relayed(&self) -> bool {
        self.0.relayed
    }

    /// Stable name of the instance the last attempt went to, if one was chosen.
    pub fn instance(&self) -> Option<&str> {
        self.0.instance.as_deref()
    }

    /// How many times the call was handed to an instance. One that was moved to another because it
    /// certainly was not started counts once.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the callee asked to wait before the call is made again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl Kind {
    /// The code an error of this kind has unless the callee said otherwise.
    pub fn code(self) -> Code {
        match self {
            Kind::Unavailable => Code::Unavailable,
            Kind::DeadlineExceeded => Code::DeadlineExceeded,
            Kind::Cancelled => Code::Cancelled,
            Kind::Refused {
                limit: Limit::Draining,
            } => Code::Unavailable,
            Kind::Refused { .. } => Code::ResourceExhausted,
            Kind::Denied => Code::PermissionDenied,
            Kind::Protocol => Code::Internal,
            Kind::Codec => Code::Internal,
            Kind::Remote => Code::Unknown,
        }
    }
}

impl Code {
    /// Every code, in the order of its number.
    pub const ALL: [Code; 16] = [
        Code::Cancelled,
        Code::Unknown,
        Code::InvalidArgument,
        Code::DeadlineExceeded,
        Code::NotFound,
        Code::AlreadyExists,
        Code::PermissionDenied,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unimplemented,
        Code::Internal,
        Code::Unavailable,
        Code::DataLoss,
        Code::Unauthenticated,
    ];

    /// The code with this number; [`Code::Unknown`] for a number that a later version may add.
    pub fn from_wire(number: u8) -> Code {
        Self::ALL
            .into_iter()
            .find(|code| *code as u8 == number)
            .unwrap_or(Code::Unknown)
    }

    /// The HTTP status a gateway answers with.
    pub fn http_status(self) -> u16 {
        match self {
            Code::Cancelled => 499,
            Code::Unknown | Code::Internal | Code::DataLoss => 500,
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
            Code::DeadlineExceeded => 504,
            Code::NotFound => 404,
            Code::AlreadyExists | Code::Aborted => 409,
            Code::PermissionDenied => 403,
            Code::ResourceExhausted => 429,
            Code::Unimplemented => 501,
            Code::Unavailable => 503,
            Code::Unauthenticated => 401,
        }
    }
}

impl Started {
    pub(crate) fn from_wire(number: u8) -> Started {
        match number {
            0 => Started::No,
            1 => Started::Yes,
            _ => Started::Unknown,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("code", &self.0.code)
            .field("started", &self.0.started)
            .field("relayed", &self.0.relayed)
            .field("message", &self.0.message)
            .field("instance", &self.0.instance)
            .field("attempts", &self.0.attempts)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        std::io::Error::other(error)
    }
}
