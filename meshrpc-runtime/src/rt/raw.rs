//! Byte strings that `raw` is said of, and the ladder that tells them from everything else.

use bytes::Bytes;

use super::{Of, bounds::MeshRaw, handler::Replier};
use crate::{client::Value, error::Error, server::Response};

/// The type of a byte string that was returned.
pub struct Returned<T>(Of<T>);

/// What `of` is the type of is returned as a byte string.
pub fn returned<T>(of: Of<T>) -> Returned<T> {
    Returned(of)
}

/// A borrowed byte string, to be sent. It has to be copied, since a call outlives what it borrows:
/// but once, however often the call is made.
pub fn copied(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

/// Answers with a byte string.
pub fn reply_raw(bytes: &Bytes, to: Replier) -> Response {
    Response::raw(to.codec, to.method, bytes)
}

/// Byte strings.
pub trait Raw<T> {
    /// As it is sent.
    fn attach(&self, value: T) -> Bytes;
    /// From what arrived.
    fn detach(&self, bytes: Bytes) -> T;
}

impl<T: MeshRaw> Raw<T> for &Of<T> {
    fn attach(&self, value: T) -> Bytes {
        value.attach()
    }

    fn detach(&self, bytes: Bytes) -> T {
        T::detach(bytes)
    }
}

/// Everything else: refused by a bound, so never called.
pub trait NotRaw<T> {
    /// Never called.
    fn attach(&self, _: T) -> Bytes {
        unreachable!("refused when it was compiled")
    }
    /// Never called.
    fn detach(&self, _: Bytes) -> T {
        unreachable!("refused when it was compiled")
    }
}

impl<T> NotRaw<T> for Of<T> {}

/// Byte strings that are returned.
pub trait ReadRaw<T> {
    /// Reads a reply.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read(&self, value: Value) -> Result<T, Error>;
}

impl<T: MeshRaw> ReadRaw<T> for &Returned<T> {
    fn read(&self, value: Value) -> Result<T, Error> {
        value.into_raw().map(T::detach)
    }
}

/// Everything else: refused by a bound, so never called.
pub trait UnreadRaw<T> {
    /// Never called.
    #[expect(clippy::missing_errors_doc, reason = "never called")]
    fn read(&self, _: Value) -> Result<T, Error> {
        unreachable!("refused when it was compiled")
    }
}

impl<T> UnreadRaw<T> for Returned<T> {}
