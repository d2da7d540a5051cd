//! Errors with `#[derive(MeshError)]`: each variant crosses as well as its fields allow.
//!
//! A field crosses as a value if it is a serde type or has the derive itself; of any other, what can
//! be told of it crosses, if the field can be made from that again at the caller (an `io::Error`,
//! an `anyhow::Error`). A variant with a field that cannot crosses as text, and so do those marked
//! `transport` and `fallback`, which hold what was told of another error. A type that implements
//! serde's traits as a whole is written by these.
//!
//! The derive decides nothing of this: it writes down the variants, and the ladders in [`field`]
//! decide where the types are known.

mod choice;
pub(in crate::rt) mod field;
mod parts;
mod record;
pub mod whole;

use std::{fmt, marker::PhantomData, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::VariantAccess};

pub use self::{
    choice::{no_variant, read_enum, unreadable},
    parts::{Parts, write_newtype, write_struct, write_struct_variant, write_tuple, write_unit},
    record::{Seed, read_struct, read_struct_variant, read_tuple, remakes},
};
use super::{super::handler::Replier, text::ErrorText};
use crate::{
    client::RemoteFailure,
    error::{Code, Error},
    server::Response,
};

/// The variants of a type whose parameters, if it has any, are serde types.
#[derive(Debug)]
pub enum WithSerde {}

/// The variants of a type with any parameters, or none.
#[derive(Debug)]
pub enum WithAny {}

/// What the derive writes of a type. `M` tells what is known of the type's parameters.
pub trait Variants<M>: Sized {
    /// Name of the type.
    const NAME: &'static str;
    /// Wire names of its variants.
    const VARIANTS: &'static [&'static str];

    /// The error for a call that failed.
    fn hold(failure: Error) -> Self;
    /// The error for one that was sent and cannot be rebuilt.
    fn unknown(failure: Error) -> Self;
    /// How this one crosses.
    fn crossing(&self) -> Crossing;
    /// What was told of this one, with the codes that its fields add: a transparent variant hides
    /// what it holds.
    fn causes(&self, told: ErrorText) -> ErrorText;

    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
    /// Writes it variant by variant.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write_parts<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
    /// Reads it.
    ///
    /// # Errors
    /// Those of the deserializer, and if there is no such variant.
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
    /// Reads it variant by variant.
    ///
    /// # Errors
    /// Those of the deserializer, and if there is no such variant.
    fn read_parts<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
    /// Reads what the variant `name` holds.
    ///
    /// # Errors
    /// Those of the deserializer, and if there is no such variant.
    fn read_variant<'de, A: VariantAccess<'de>>(
        name: &'static str,
        content: A,
    ) -> Result<Self, A::Error>;
}

/// How an error crosses.
#[derive(Clone, Copy, Debug)]
pub struct Crossing {
    /// The code that its variant has.
    pub code: Option<Code>,
    /// As a value; otherwise as text.
    pub typed: bool,
}

/// The response to a method that returned `error`, whose message is `text`.
pub(super) fn respond<E: Variants<M>, M>(
    error: &E,
    text: String,
    tell: impl FnOnce(String) -> ErrorText,
    to: Replier,
) -> Response {
    let Crossing { code, typed } = error.crossing();
    let told = error.causes(tell(text.clone()));
    let relayed = told.relayed();
    let response = if typed {
        let value = AsVariants::<E, M>::new(error);
        Response::typed_error_or(to.codec, to.method, &value, text, told.messages)
    } else {
        Response::text_error(told.messages, None)
    };
    response.own_error(code, relayed)
}

/// The error that the method returned.
pub(super) fn rebuild<E: Variants<M>, M>(failure: RemoteFailure) -> E {
    if let Some(Ok(Rebuilt { error, .. })) = failure.typed::<Rebuilt<E, M>>() {
        return error;
    }
    let failure = failure.into_error();
    // A call of the callee's that failed is a failed call here, too.
    if failure.relayed() {
        E::hold(failure)
    } else {
        E::unknown(failure)
    }
}

/// An error that is written variant by variant.
pub struct AsVariants<'a, E, M>(&'a E, PhantomData<M>);

/// An error that was read variant by variant.
pub struct Rebuilt<E, M> {
    /// The error.
    pub error: E,
    marker: PhantomData<M>,
}

impl<'a, E, M> AsVariants<'a, E, M> {
    /// The variants of `error`.
    pub fn new(error: &'a E) -> Self {
        Self(error, PhantomData)
    }
}

impl<E: Variants<M>, M> Serialize for AsVariants<'_, E, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

impl<'de, E: Variants<M>, M> Deserialize<'de> for Rebuilt<E, M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        E::read(deserializer).map(|error| Self {
            error,
            marker: PhantomData,
        })
    }
}

macro_rules! pointers {
    ($($pointer:ident)*) => {$(
        impl<E: Variants<M>, M> Variants<M> for $pointer<E> {
            const NAME: &'static str = E::NAME;
            const VARIANTS: &'static [&'static str] = E::VARIANTS;

            fn hold(failure: Error) -> Self {
                $pointer::new(E::hold(failure))
            }

            fn unknown(failure: Error) -> Self {
                $pointer::new(E::unknown(failure))
            }

            fn crossing(&self) -> Crossing {
                E::crossing(self)
            }

            fn causes(&self, told: ErrorText) -> ErrorText {
                E::causes(self, told)
            }

            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                E::write(self, to)
            }

            fn write_parts<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                E::write_parts(self, to)
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                E::read(from).map($pointer::new)
            }

            fn read_parts<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                E::read_parts(from).map($pointer::new)
            }

            fn read_variant<'de, A: VariantAccess<'de>>(
                name: &'static str,
                content: A,
            ) -> Result<Self, A::Error> {
                E::read_variant(name, content).map($pointer::new)
            }
        }
    )*};
}
pointers! { Box Arc }

impl<E, M> fmt::Debug for AsVariants<'_, E, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsVariants").finish_non_exhaustive()
    }
}

impl<E, M> fmt::Debug for Rebuilt<E, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rebuilt").finish_non_exhaustive()
    }
}
