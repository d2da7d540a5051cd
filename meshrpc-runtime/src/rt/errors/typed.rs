//! Errors that cross as values.

use serde::{Serialize, de::DeserializeOwned};

use super::super::Of;
use crate::{client::RemoteFailure, contract::MethodSchema, error::Error};

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
