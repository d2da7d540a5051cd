//! Errors that cross as values.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    super::Of,
    derived::{self, Rebuilt, Variants, WithAny, WithSerde},
};
use crate::{client::RemoteFailure, contract::MethodSchema, error::Error};

/// Errors with `#[derive(MeshError)]`.
pub trait Derived<E> {
    /// The method's own error.
    ///
    /// # Errors
    /// Never: what cannot be rebuilt is held by the type itself.
    fn rebuild(&self, failure: RemoteFailure) -> Result<E, Error>;
    /// Describes the error.
    fn describe(&self, schema: &mut MethodSchema);
}

impl<E: Variants<WithSerde>> Derived<E> for &&&Of<E> {
    fn rebuild(&self, failure: RemoteFailure) -> Result<E, Error> {
        Ok(derived::rebuild(failure))
    }

    fn describe(&self, schema: &mut MethodSchema) {
        schema.error::<Rebuilt<E, WithSerde>>();
    }
}

/// The same, where the type's parameters are no serde types.
pub trait DerivedAny<E> {
    /// The method's own error.
    ///
    /// # Errors
    /// Never: what cannot be rebuilt is held by the type itself.
    fn rebuild(&self, failure: RemoteFailure) -> Result<E, Error>;
    /// Describes the error.
    fn describe(&self, schema: &mut MethodSchema);
}

impl<E: Variants<WithAny>> DerivedAny<E> for &&Of<E> {
    fn rebuild(&self, failure: RemoteFailure) -> Result<E, Error> {
        Ok(derived::rebuild(failure))
    }

    fn describe(&self, schema: &mut MethodSchema) {
        schema.error::<Rebuilt<E, WithAny>>();
    }
}

/// Serde types.
pub trait Typed<E> {
    /// The method's own error.
    ///
    /// # Errors
    /// If what failed was not the method, or its error cannot be read.
    fn rebuild(&self, failure: RemoteFailure) -> Result<E, Error>;
    /// Describes the error.
    fn describe(&self, schema: &mut MethodSchema);
}

impl<E: Serialize + DeserializeOwned> Typed<E> for &Of<E> {
    fn rebuild(&self, failure: RemoteFailure) -> Result<E, Error> {
        failure.typed().unwrap_or_else(|| Err(failure.into_error()))
    }

    fn describe(&self, schema: &mut MethodSchema) {
        schema.error::<E>();
    }
}

/// Everything else.
pub trait Text<E> {
    /// The method's own error, as message and sources.
    ///
    /// # Errors
    /// Always.
    fn rebuild(&self, failure: RemoteFailure) -> Result<E, Error>;
    /// Describes the error.
    fn describe(&self, schema: &mut MethodSchema);
}

impl<E> Text<E> for Of<E> {
    fn rebuild(&self, failure: RemoteFailure) -> Result<E, Error> {
        Err(failure.into_error())
    }

    fn describe(&self, schema: &mut MethodSchema) {
        schema.error_text();
    }
}
