//! The server's ladder: what is sent of an error.

use std::{
    any::type_name,
    error::Error as StdError,
    fmt::{Debug, Display},
    io,
};

use serde::{Serialize, de::DeserializeOwned};

use super::super::{Of, handler::Replier};
use crate::{
    error::{Code, Error},
    server::Response,
};

/// Serde types: the value, and `text` for readers that don't know the type.
pub trait Typed<E> {
    /// The response.
    fn send(&self, error: &E, text: String, to: Replier) -> Response;
}

impl<E: Serialize + DeserializeOwned> Typed<E> for &&&Of<E> {
    fn send(&self, error: &E, text: String, to: Replier) -> Response {
        Response::typed_error(to.codec, to.method, error, text)
    }
}

/// Errors: message and sources.
pub trait Sourced<E> {
    /// The response.
    fn send(&self, error: &E, text: String, to: Replier) -> Response;
}

impl<E: StdError + 'static> Sourced<E> for &&Of<E> {
    fn send(&self, error: &E, _: String, _: Replier) -> Response {
        with_sources(error)
    }
}

/// What holds an error without being one, `anyhow::Error` and `Box<dyn Error + Send + Sync>`:
/// message and sources.
pub trait Held<E> {
    /// The response.
    fn send(&self, error: &E, text: String, to: Replier) -> Response;
}

impl<E: AsRef<dyn StdError + Send + Sync>> Held<E> for &Of<E> {
    fn send(&self, error: &E, _: String, _: Replier) -> Response {
        with_sources(error.as_ref())
    }
}

/// Everything else: `text`.
pub trait Text<E> {
    /// The response.
    fn send(&self, error: &E, text: String, to: Replier) -> Response;
}

impl<E> Text<E> for Of<E> {
    fn send(&self, _: &E, text: String, _: Replier) -> Response {
        Response::text_error(vec![text], None)
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

fn with_sources(error: &(dyn StdError + 'static)) -> Response {
    let (chain, relayed) = chain(error);
    Response::text_error(chain, relayed)
}

/// Message and sources, outermost first, and the code of a failed call of the callee's own.
pub(in crate::rt) fn chain(error: &(dyn StdError + 'static)) -> (Vec<String>, Option<Code>) {
    let mut chain = Vec::new();
    let mut relayed = None;
    let mut next = Some(error);
    while let Some(error) = next {
        relayed = relayed.or_else(|| mesh_code(error));
        let message = error.to_string();
        // Transparent wrappers repeat the message of what they wrap.
        if chain.last() != Some(&message) {
            chain.push(message);
        }
        next = error.source();
    }
    (chain, relayed)
}

/// The code of a failed call of the callee's own, if `error` is one.
///
/// An [`io::Error`] hides what it was made from: its source is that error's source.
fn mesh_code(error: &(dyn StdError + 'static)) -> Option<Code> {
    if let Some(error) = error.downcast_ref::<Error>() {
        return Some(error.code());
    }
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    mesh_code(inner)
}
