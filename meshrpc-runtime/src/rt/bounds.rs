//! What a type of the trait has to be, as bounds that say so when they are not met.

use std::{borrow::Cow, error::Error as StdError, fmt::Write as _};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::Nothing;
use crate::{client::SessionKey, error::Error};

/// A value that crosses: an argument, or what a method returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent to another process",
    label = "not a serde type",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}`; a type of the standard library may need a feature of serde, such as `rc`"
)]
pub trait MeshValue {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> MeshValue for T {}

/// A value that is written, and has to be read as well.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can be sent to another process, but not be read there",
    label = "`Deserialize` is missing",
    note = "add `#[derive(serde::Deserialize)]` to `{Self}`; what a map or a set is ordered by needs `Eq` and `Hash`, or `Ord`, as well"
)]
pub trait MeshReadable {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> MeshReadable for T {}

/// A value that is read, and has to be written as well.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can be read, but not be sent to another process",
    label = "`Serialize` is missing",
    note = "add `#[derive(serde::Serialize)]` to `{Self}`"
)]
pub trait MeshWritable {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> MeshWritable for T {}

/// A part of an argument that borrows, which the handler makes anew for what the method takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be lent to the method inside of what borrows",
    label = "not `Clone`",
    note = "add `#[derive(Clone)]` to `{Self}`, or take the whole argument owned"
)]
pub trait MeshClone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> MeshClone for T {}

/// What a method returns: a [`Result`], since every remote call can fail.
#[diagnostic::on_unimplemented(
    message = "a remote call can fail, and `{Self}` cannot say so",
    label = "not a `Result`",
    note = "return `Result<{Self}, E>`; any `E` with `From<meshrpc::Error>` will do, such as `anyhow::Error`",
    note = "or write `#[mesh(on_failure = default)]` (or `panic`, or a function) above the method, or `#[mesh(local)]` to keep it at the caller"
)]
pub trait MeshResult {
    /// What it is when the method succeeds.
    type Ok;
    /// What it is when the method fails.
    type Err;

    /// As a plain result.
    fn split(self) -> Result<Self::Ok, Self::Err>;
    /// From a plain result.
    fn join(result: Result<Self::Ok, Self::Err>) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, E> MeshResult for Result<T, E> {
    type Ok = T;
    type Err = E;

    fn split(self) -> Result<T, E> {
        self
    }

    fn join(result: Result<T, E>) -> Self {
        result
    }
}

/// A byte string that is sent from where it is and stays where it arrived: what `raw` is said of.
#[diagnostic::on_unimplemented(
    message = "`raw` takes `Bytes`, `Vec<u8>` or `&[u8]`, and `{Self}` is none of them",
    label = "not a byte string",
    note = "remove `raw`: a serde type crosses without it"
)]
pub trait MeshRaw {
    /// As it is sent.
    fn attach(self) -> Bytes;
    /// From what arrived.
    fn detach(bytes: Bytes) -> Self;
}

#[diagnostic::do_not_recommend]
impl MeshRaw for Bytes {
    fn attach(self) -> Bytes {
        self
    }

    fn detach(bytes: Bytes) -> Self {
        bytes
    }
}

#[diagnostic::do_not_recommend]
impl MeshRaw for Vec<u8> {
    fn attach(self) -> Bytes {
        self.into()
    }

    fn detach(bytes: Bytes) -> Self {
        // The memory of the message becomes the vector's, if nothing else is kept of it.
        let mut bytes = Vec::from(bytes);
        if bytes.capacity() / 2 > bytes.len() {
            bytes.shrink_to_fit();
        }
        bytes
    }
}

/// An item of a stream that a method answers with: a [`Result`], since every stream can break off.
#[diagnostic::on_unimplemented(
    message = "a stream can break off, and `{Self}` cannot say so",
    label = "not a `Result`",
    note = "write `Item = Result<{Self}, E>`; any `E` with `From<meshrpc::Error>` will do, such as `anyhow::Error`"
)]
pub trait MeshItem {}

#[diagnostic::do_not_recommend]
impl<R: MeshResult> MeshItem for R {}

/// An error that can hold a failed call although nothing converts into it but text.
///
/// Generated code asks for it last, after `From<meshrpc::Error>`, `From<Box<dyn Error + Send +
/// Sync>>` and `From<io::Error>`.
#[diagnostic::on_unimplemented(
    message = "the client of this trait cannot report a failed call as `{Self}`",
    label = "cannot hold a `meshrpc::Error`",
    note = "add `#[derive(meshrpc::MeshError)]` to `{Self}` and a variant `#[mesh(transport)] Mesh(meshrpc::Error)`",
    note = "or add `impl From<meshrpc::Error> for {Self}`; `From<std::io::Error>` or `From<Box<dyn std::error::Error + Send + Sync>>` will do as well",
    note = "if `{Self}` is another crate's, write `#[mesh(on_failure = path::of::function)]` above the method: the function makes its result of a `meshrpc::Error`"
)]
pub trait MeshError {
    /// The error that tells of `error`.
    fn of(error: &Error) -> Self;
}

#[diagnostic::do_not_recommend]
impl MeshError for String {
    fn of(error: &Error) -> Self {
        with_sources(error)
    }
}

// Stands for the error of a type that is no result, which was reported as that.
#[diagnostic::do_not_recommend]
impl MeshError for Nothing {
    fn of(_: &Error) -> Self {
        unreachable!("refused when it was compiled")
    }
}

#[diagnostic::do_not_recommend]
impl MeshError for Box<str> {
    fn of(error: &Error) -> Self {
        with_sources(error).into()
    }
}

#[diagnostic::do_not_recommend]
impl MeshError for Cow<'static, str> {
    fn of(error: &Error) -> Self {
        with_sources(error).into()
    }
}

/// An error with `#[derive(MeshError)]` that can hold a failed call without a variant for it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no place for a failed call",
    label = "cannot hold a `meshrpc::Error`",
    note = "add a variant for it: `#[mesh(transport)] Mesh(meshrpc::Error)`; or add `impl From<meshrpc::Error> for {Self}`"
)]
pub trait FailureHolder: MeshError {}

#[diagnostic::do_not_recommend]
impl<E: MeshError> FailureHolder for E {}

/// The field of a variant that is `transport` or `fallback`.
#[diagnostic::on_unimplemented(
    message = "a failed call cannot be put into a `{Self}`",
    label = "cannot hold a `meshrpc::Error`",
    note = "the field is a `meshrpc::Error`, or what can be made from one: `anyhow::Error`, `Box<dyn Error + Send + Sync>`, `std::io::Error`, `String`"
)]
pub trait FailureField: MeshError {}

#[diagnostic::do_not_recommend]
impl<F: MeshError> FailureField for F {}

/// What a method with `on_failure = default` returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no default to give when a call fails",
    label = "needs `Default`",
    note = "add `#[derive(Default)]` to `{Self}`, or write `on_failure = panic`, or name a function from `meshrpc::Error` to `{Self}`"
)]
pub trait MeshDefault {}

#[diagnostic::do_not_recommend]
impl<T: Default> MeshDefault for T {}

/// An argument that `sticky` names.
#[diagnostic::on_unimplemented(
    message = "calls cannot stick to an instance by a `{Self}`",
    label = "not a session key",
    note = "`sticky` takes an integer, `&str` or `String`"
)]
pub trait SessionArgument {}

#[diagnostic::do_not_recommend]
impl<T: SessionKey + ?Sized> SessionArgument for T {}

/// Message and sources, as one line.
fn with_sources(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a `String` cannot fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
