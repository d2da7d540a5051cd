//! The ladder for an error with `#[derive(MeshError)]` as a whole: a type that implements serde's
//! traits is written by these.

use serde::{Deserializer, Serialize, Serializer, de::DeserializeOwned};

use crate::rt::Of;

/// Serde types.
pub trait Serde<E> {
    /// Whether a variant crosses as a value, if its fields would let it or not.
    fn crosses(&self, _by_parts: bool) -> bool {
        true
    }
    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(
        &self,
        error: &E,
        to: S,
        parts: impl FnOnce(&E, S) -> Result<S::Ok, S::Error>,
    ) -> Result<S::Ok, S::Error>;
    /// Reads it.
    ///
    /// # Errors
    /// Those of the deserializer.
    fn read<'de, D: Deserializer<'de>>(
        &self,
        from: D,
        parts: impl FnOnce(D) -> Result<E, D::Error>,
    ) -> Result<E, D::Error>;
}

impl<E: Serialize + DeserializeOwned> Serde<E> for &Of<E> {
    fn write<S: Serializer>(
        &self,
        error: &E,
        to: S,
        _: impl FnOnce(&E, S) -> Result<S::Ok, S::Error>,
    ) -> Result<S::Ok, S::Error> {
        error.serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(
        &self,
        from: D,
        _: impl FnOnce(D) -> Result<E, D::Error>,
    ) -> Result<E, D::Error> {
        E::deserialize(from)
    }
}

/// Everything else: by its variants.
pub trait Parts<E> {
    /// Whether a variant crosses as a value.
    fn crosses(&self, by_parts: bool) -> bool {
        by_parts
    }
    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(
        &self,
        error: &E,
        to: S,
        parts: impl FnOnce(&E, S) -> Result<S::Ok, S::Error>,
    ) -> Result<S::Ok, S::Error> {
        parts(error, to)
    }
    /// Reads it.
    ///
    /// # Errors
    /// Those of the deserializer.
    fn read<'de, D: Deserializer<'de>>(
        &self,
        from: D,
        parts: impl FnOnce(D) -> Result<E, D::Error>,
    ) -> Result<E, D::Error> {
        parts(from)
    }
}

impl<E> Parts<E> for Of<E> {}
