//! The client's ladder: how an error type holds a failed call.

use std::{error::Error as StdError, io, sync::Arc};

use super::{
    super::{
        Of,
        bounds::{FailureField, FailureHolder, MeshError},
    },
    derived::{Variants, WithAny, WithSerde},
};
use crate::error::Error;

/// Errors with `#[derive(MeshError)]`, which say so themselves.
pub trait Derived<E> {
    /// The error.
    fn fail(&self, failure: Error) -> E;
}

impl<E: Variants<WithSerde>> Derived<E> for &&&&&&Of<E> {
    fn fail(&self, failure: Error) -> E {
        E::hold(failure)
    }
}

/// The same, where the type's parameters are no serde types.
pub trait DerivedAny<E> {
    /// The error.
    fn fail(&self, failure: Error) -> E;
}

impl<E: Variants<WithAny>> DerivedAny<E> for &&&&&Of<E> {
    fn fail(&self, failure: Error) -> E {
        E::hold(failure)
    }
}

/// `From<meshrpc::Error>`, which `anyhow::Error` and `Box<dyn Error + Send + Sync>` have.
pub trait Mesh<E> {
    /// The error.
    fn fail(&self, failure: Error) -> E;
}

impl<E: From<Error>> Mesh<E> for &&&&Of<E> {
    fn fail(&self, failure: Error) -> E {
        failure.into()
    }
}

/// The same of what is in a box, after what the box itself can be made from.
impl<E: From<Error>> Mesh<Box<E>> for &&Of<Box<E>> {
    fn fail(&self, failure: Error) -> Box<E> {
        Box::new(failure.into())
    }
}

/// The same of what is shared, as the error of a cache.
impl<E: From<Error>> Mesh<Arc<E>> for &&Of<Arc<E>> {
    fn fail(&self, failure: Error) -> Arc<E> {
        Arc::new(failure.into())
    }
}

/// `From<Box<dyn Error + Send + Sync>>`.
pub trait Boxed<E> {
    /// The error.
    fn fail(&self, failure: Error) -> E;
}

impl<E: From<Box<dyn StdError + Send + Sync>>> Boxed<E> for &&&Of<E> {
    fn fail(&self, failure: Error) -> E {
        E::from(Box::new(failure))
    }
}

/// An error that holds text and nothing else, `String` for one.
pub trait Exact<E> {
    /// The error.
    fn fail(&self, failure: Error) -> E;
}

impl<E: MeshError> Exact<E> for &&Of<E> {
    fn fail(&self, failure: Error) -> E {
        E::of(&failure)
    }
}

/// `From<io::Error>`, which [`io::Error`] itself has.
pub trait Io<E> {
    /// The error.
    fn fail(&self, failure: Error) -> E;
}

impl<E: From<io::Error>> Io<E> for &Of<E> {
    fn fail(&self, failure: Error) -> E {
        E::from(io::Error::other(failure))
    }
}

/// Everything else: refused by a bound, so never called.
pub trait Hopeless<E> {
    /// Never called.
    fn fail(&self, _: Error) -> E {
        unreachable!("refused when it was compiled")
    }
}

impl<E> Hopeless<E> for Of<E> {}

/// A last step for the check of the type: the same ladder, and words on what is missing.
pub trait Checked<E> {
    /// Never called.
    fn fail(&self, failure: Error) -> E
    where
        E: MeshError;
}

impl<E> Checked<E> for Of<E> {
    fn fail(&self, failure: Error) -> E
    where
        E: MeshError,
    {
        E::of(&failure)
    }
}

/// The last step for an error with `#[derive(MeshError)]` that names no variant for failed calls.
pub trait CheckedHolder<E> {
    /// Never called.
    fn fail(&self, failure: Error) -> E
    where
        E: FailureHolder;
}

impl<E> CheckedHolder<E> for Of<E> {
    fn fail(&self, failure: Error) -> E
    where
        E: FailureHolder,
    {
        E::of(&failure)
    }
}

/// The last step for the field of a variant for failed calls.
pub trait CheckedField<E> {
    /// Never called.
    fn fail(&self, failure: Error) -> E
    where
        E: FailureField;
}

impl<E> CheckedField<E> for Of<E> {
    fn fail(&self, failure: Error) -> E
    where
        E: FailureField,
    {
        E::of(&failure)
    }
}
