//! The server's ladder: what is sent of an error.

use std::{
    any::type_name,
    error::Error as StdError,
    fmt::{Debug, Display},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    super::{Of, handler::Replier},
    derived::{self, Variants, WithAny, WithSerde},
    text::ErrorText,
};
use crate::server::Response;

/// Errors with `#[derive(MeshError)]`: variant by variant.
pub trait Derived<E> {
    /// The response.
    fn send(
        &self,
        error: &E,
        text: String,
        tell: impl FnOnce(String) -> ErrorText,
        to: Replier,
    ) -> Response;
}

impl<E: Variants<WithSerde>> Derived<E> for &&&&&Of<E> {
    fn send(
        &self,
        error: &E,
        text: String,
        tell: impl FnOnce(String) -> ErrorText,
        to: Replier,
    ) -> Response {
        derived::respond(error, text, tell, to)
    }
}

/// The same, where the type's parameters are no serde types.
pub trait DerivedAny<E> {
    /// The response.
    fn send(
        &self,
        error: &E,
        text: String,
        tell: impl FnOnce(String) -> ErrorText,
        to: Replier,
    ) -> Response;
}

impl<E: Variants<WithAny>> DerivedAny<E> for &&&&Of<E> {
    fn send(
        &self,
        error: &E,
        text: String,
        tell: impl FnOnce(String) -> ErrorText,
        to: Replier,
    ) -> Response {
        derived::respond(error, text, tell, to)
    }
}

/// Serde types: the value, and `text` for readers that don't know the type.
pub trait Typed<E> {
    /// The response.
    fn send(
        &self,
        error: &E,
        text: String,
        tell: impl FnOnce(String) -> ErrorText,
        to: Replier,
    ) -> Response;
}

impl<E: Serialize + DeserializeOwned> Typed<E> for &&&Of<E> {
    fn send(
        &self,
        error: &E,
        text: String,
        tell: impl FnOnce(String) -> ErrorText,
        to: Replier,
    ) -> Response {
        let told = tell(text.clone());
        let relayed = told.relayed();
        // A variant with `#[serde(skip)]` cannot be written, and is told.
        Response::typed_error_or(to.codec, to.method, error, text, told.messages)
            .own_error(None, relayed)
    }
}

/// Everything else: what can be told of it.
pub trait Untyped<E> {
    /// The response.
    fn send(
        &self,
        error: &E,
        text: String,
        tell: impl FnOnce(String) -> ErrorText,
        to: Replier,
    ) -> Response;
}

impl<E> Untyped<E> for &&Of<E> {
    fn send(
        &self,
        _: &E,
        text: String,
        tell: impl FnOnce(String) -> ErrorText,
        _: Replier,
    ) -> Response {
        let told = tell(text);
        let relayed = told.relayed();
        Response::text_error(told.messages, relayed)
    }
}

/// Errors: message and sources.
pub trait Sourced<E> {
    /// What can be told of it.
    fn tell(&self, error: &E, text: String) -> ErrorText;
}

impl<E: StdError + 'static> Sourced<E> for &&&Of<E> {
    fn tell(&self, error: &E, _: String) -> ErrorText {
        ErrorText::with_sources(error)
    }
}

/// What holds an error without being one, `anyhow::Error` and `Box<dyn Error + Send + Sync>`:
/// message and sources.
pub trait Held<E> {
    /// What can be told of it.
    fn tell(&self, error: &E, text: String) -> ErrorText;
}

impl<E: AsRef<dyn StdError + Send + Sync>> Held<E> for &&Of<E> {
    fn tell(&self, error: &E, _: String) -> ErrorText {
        ErrorText::with_sources(error.as_ref())
    }
}

/// The same of an error that stays on its thread, `Box<dyn Error>`, as methods that are not async
/// may return it.
pub trait HeldHere<E> {
    /// What can be told of it.
    fn tell(&self, error: &E, text: String) -> ErrorText;
}

impl<E: AsRef<dyn StdError>> HeldHere<E> for &Of<E> {
    fn tell(&self, error: &E, _: String) -> ErrorText {
        ErrorText::with_sources(error.as_ref())
    }
}

/// Everything else: `text`.
pub trait Text<E> {
    /// What can be told of it.
    fn tell(&self, error: &E, text: String) -> ErrorText;
}

impl<E> Text<E> for Of<E> {
    fn tell(&self, _: &E, text: String) -> ErrorText {
        ErrorText::message(text)
    }
}

/// The text of an error that can be shown.
pub trait Shown<E> {
    /// The text.
    fn text(&self, error: &E) -> String;
}

impl<E: Display> Shown<E> for &&Of<E> {
    fn text(&self, error: &E) -> String {
        error.to_string()
    }
}

/// The text of an error that can only be shown to programmers.
pub trait Debugged<E> {
    /// The text.
    fn text(&self, error: &E) -> String;
}

impl<E: Debug> Debugged<E> for &Of<E> {
    fn text(&self, error: &E) -> String {
        format!("{error:?}")
    }
}

/// The text of any other: the name of its type.
pub trait Silent<E> {
    /// The text.
    fn text(&self, error: &E) -> String;
}

impl<E> Silent<E> for Of<E> {
    fn text(&self, _: &E) -> String {
        type_name::<E>().to_owned()
    }
}
