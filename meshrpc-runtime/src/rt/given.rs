//! What generated code does for methods without a result, and for types that cross as others.

use std::fmt::Display;

use serde::de::Error as _;

use super::Of;
use crate::{
    codec::DecodeError,
    error::{Error, Kind, Started},
};

/// The type that a module makes of another one, by what it reads.
pub fn wire_of<T, W, E>(_: fn(W) -> Result<T, E>) -> Of<W> {
    Of::new()
}

/// The same, for the type `T`.
pub fn wire_for<T, W, E>(_: Of<T>, _: fn(W) -> Result<T, E>) -> Of<W> {
    Of::new()
}

/// What a module makes of an argument that was read. Its error is the caller's.
pub fn accepted<T, W, E: Display>(
    name: &'static str,
    from_wire: fn(W) -> Result<T, E>,
) -> impl FnOnce(W) -> Result<T, DecodeError> {
    move |wire| {
        from_wire(wire)
            .map_err(|error| DecodeError::custom(format_args!("argument `{name}`: {error}")))
    }
}

/// What a module makes of a reply that was read. Its error is the callee's.
pub fn rebuilt<T, W, E: Display>(
    from_wire: fn(W) -> Result<T, E>,
) -> impl FnOnce(W) -> Result<T, Error> {
    move |wire| {
        from_wire(wire).map_err(|error| {
            let message = format!("the reply cannot be decoded: {error}");
            Error::new(Kind::Codec, message).with_started(Started::Yes)
        })
    }
}

/// Ends a call that failed, where the method cannot say so.
///
/// # Panics
/// Always.
#[expect(clippy::needless_pass_by_value, reason = "the failure ends here")]
pub fn panic_with(method: &str, failure: Error) -> ! {
    panic!("the call of `{method}` failed: {failure}")
}

/// Logs a failed call that nobody else is told of.
#[expect(clippy::needless_pass_by_value, reason = "the failure ends here")]
pub fn swallow(method: &'static str, failure: Error) {
    tracing::warn!(
        method,
        code = ?failure.code(),
        started = ?failure.started(),
        instance = failure.instance(),
        "a failed call is answered with the default: {failure}"
    );
}
