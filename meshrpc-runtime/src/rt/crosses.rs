//! Whether the values of a type cross, asked where the type is written.
//!
//! A type that lacks serde's traits is one error, wherever it stands: of `Page<Row>` nothing is
//! said while `Row` lacks them, and nothing of `Row` where `Page<Row>` has them without it.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use super::Of;

/// The question whether `T` crosses, which is made of the types in `I`. It is asked unless all types
/// of `W` cross, which `T` is in.
pub struct Value<W: ?Sized, T: ?Sized, I: ?Sized>(PhantomData<fn(&W, &T, &I)>);

impl<W: ?Sized, T: ?Sized, I: ?Sized> Value<W, T, I> {
    /// The question.
    #[expect(
        clippy::new_without_default,
        reason = "a type, not a value to start from"
    )]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// The question whether `T` crosses by itself.
pub const fn value_of<T>(_: &Of<T>) -> Value<Always, T, ()> {
    Value::new()
}

/// What stands for `W` where a type is asked for in any case.
pub enum Always {}

/// A list of types: one, and the rest.
pub struct And<T: ?Sized, R: ?Sized>(PhantomData<fn(&T, &R)>);

/// A list of types that cross.
pub trait All {}

impl All for () {}

impl<T: Serialize + DeserializeOwned, R: All> All for And<T, R> {}

/// The answers.
pub mod ladder {
    use serde::{Serialize, de::DeserializeOwned};

    use super::{
        super::bounds::{MeshReadable, MeshValue, MeshWritable},
        All, Value,
    };

    /// It need not: what it is in does.
    pub trait Inside {
        /// Nothing is wrong.
        fn crosses(&self) {}
    }

    impl<W: All + ?Sized, T: ?Sized, I: ?Sized> Inside for &&&&&Value<W, T, I> {}

    /// It does.
    pub trait Itself {
        /// Nothing is wrong.
        fn crosses(&self) {}
    }

    impl<W: ?Sized, T: Serialize + DeserializeOwned, I: ?Sized> Itself for &&&&Value<W, T, I> {}

    /// It is only written.
    pub trait Written<T: ?Sized> {
        /// Never called.
        fn crosses(&self)
        where
            T: MeshReadable,
        {
        }
    }

    impl<W: ?Sized, T: Serialize + ?Sized, I: All + ?Sized> Written<T> for &&&Value<W, T, I> {}

    /// It is only read.
    pub trait Read<T> {
        /// Never called.
        fn crosses(&self)
        where
            T: MeshWritable,
        {
        }
    }

    impl<W: ?Sized, T: DeserializeOwned, I: All + ?Sized> Read<T> for &&Value<W, T, I> {}

    /// It does not.
    pub trait Neither<T: ?Sized> {
        /// Never called.
        fn crosses(&self)
        where
            T: MeshValue,
        {
        }
    }

    impl<W: ?Sized, T: ?Sized, I: All + ?Sized> Neither<T> for &Value<W, T, I> {}

    /// What it is made of does not, which is asked for itself.
    pub trait Made {
        /// Nothing more is said.
        fn crosses(&self) {}
    }

    impl<W: ?Sized, T: ?Sized, I: ?Sized> Made for Value<W, T, I> {}
}
