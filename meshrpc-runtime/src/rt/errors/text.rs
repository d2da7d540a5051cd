//! An error as what can be told of it: its messages, outermost first.

use std::{error::Error as StdError, io, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    client::remote_error,
    error::{Code, Error},
};

/// What crosses of an error that cannot cross as a value.
///
/// It is the content of a field of an error that does cross, so its own shape is part of the
/// contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorText {
    /// Its message and those of its sources; none if there was no error.
    pub messages: Vec<String>,
    /// Number of the code of a [`meshrpc::Error`](crate::Error) among them.
    pub code: Option<u8>,
    /// Name of the kind of an [`io::Error`] among them.
    pub io: Option<String>,
}

impl ErrorText {
    /// A message without sources.
    pub fn message(text: String) -> Self {
        Self {
            messages: vec![text],
            ..Self::default()
        }
    }

    /// The messages of `error` and its sources.
    pub fn with_sources(error: &(dyn StdError + 'static)) -> Self {
        let mut text = Self::default();
        let mut next = Some(error);
        while let Some(error) = next {
            text.code = text
                .code
                .or_else(|| mesh_code(error).map(|code| code as u8));
            if let (None, Some(error)) = (&text.io, behind::<io::Error>(error)) {
                text.io = Some(format!("{:?}", error.kind()));
            }
            let message = error.to_string();
            // Transparent wrappers repeat the message of what they wrap.
            if text.messages.last() != Some(&message) {
                text.messages.push(message);
            }
            next = error.source();
        }
        text
    }

    /// The same, with the codes of `cause` where it has none.
    pub fn caused_by(mut self, cause: Self) -> Self {
        self.code = self.code.or(cause.code);
        self.io = self.io.or(cause.io);
        self
    }

    /// The code of a call that the callee made and that failed.
    pub fn relayed(&self) -> Option<Code> {
        self.code.map(Code::from_wire)
    }

    /// An error of kind `Remote` that tells the same.
    pub fn into_error(self) -> Error {
        let relayed = self.relayed();
        remote_error(self.messages, relayed)
    }

    /// An error of the kind that the callee's had, if it was one of the system's.
    pub fn into_io(self) -> io::Error {
        let kind = self.io.as_deref().map_or(io::ErrorKind::Other, io_kind);
        io::Error::new(kind, self.into_error())
    }
}

/// The code of a failed call of the callee's own, if `error` is one.
///
/// An [`io::Error`] hides what it was made from: its source is that error's source.
fn mesh_code(error: &(dyn StdError + 'static)) -> Option<Code> {
    if let Some(error) = behind::<Error>(error) {
        return Some(error.code());
    }
    let inner = behind::<io::Error>(error)?.get_ref()?;
    mesh_code(inner)
}

/// `error` as a `T`, or as a pointer to one.
fn behind<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    error
        .downcast_ref::<T>()
        .or_else(|| error.downcast_ref::<Arc<T>>().map(|shared| &**shared))
        .or_else(|| error.downcast_ref::<Box<T>>().map(|boxed| &**boxed))
}

/// The kind of this name; [`io::ErrorKind::Other`] for one that this process does not know.
fn io_kind(name: &str) -> io::ErrorKind {
    use io::ErrorKind as Kind;
    let known = [
        Kind::NotFound,
        Kind::PermissionDenied,
        Kind::ConnectionRefused,
        Kind::ConnectionReset,
        Kind::HostUnreachable,
        Kind::NetworkUnreachable,
        Kind::ConnectionAborted,
        Kind::NotConnected,
        Kind::AddrInUse,
        Kind::AddrNotAvailable,
        Kind::NetworkDown,
        Kind::BrokenPipe,
        Kind::AlreadyExists,
        Kind::WouldBlock,
        Kind::NotADirectory,
        Kind::IsADirectory,
        Kind::DirectoryNotEmpty,
        Kind::ReadOnlyFilesystem,
        Kind::StaleNetworkFileHandle,
        Kind::InvalidInput,
        Kind::InvalidData,
        Kind::TimedOut,
        Kind::WriteZero,
        Kind::StorageFull,
        Kind::NotSeekable,
        Kind::QuotaExceeded,
        Kind::FileTooLarge,
        Kind::ResourceBusy,
        Kind::ExecutableFileBusy,
        Kind::Deadlock,
        Kind::TooManyLinks,
        Kind::ArgumentListTooLong,
        Kind::Interrupted,
        Kind::Unsupported,
        Kind::UnexpectedEof,
        Kind::OutOfMemory,
    ];
    known
        .into_iter()
        .find(|kind| format!("{kind:?}") == name)
        .unwrap_or(Kind::Other)
}
