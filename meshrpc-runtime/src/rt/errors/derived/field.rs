//! Ladders for one field of an error with `#[derive(MeshError)]`.

use std::{backtrace::Backtrace, borrow::Cow, error::Error as StdError, io, sync::Arc};

use serde::{Deserialize as _, Deserializer, de::DeserializeOwned};

use super::{Rebuilt, Variants, WithAny, WithSerde};
use crate::{
    error::Error,
    rt::{Of, errors::text::ErrorText},
};

/// What a field is written as.
pub mod part {
    use std::{error::Error as StdError, fmt::Debug};

    use serde::{Serialize, de::DeserializeOwned};

    use super::super::{AsVariants, Variants, WithAny, WithSerde};
    use crate::rt::{Of, errors::text::ErrorText};

    /// Has the derive itself.
    pub trait Nested<F> {
        /// What is written.
        fn part<'f>(
            &self,
            field: &'f F,
            tell: impl FnOnce() -> ErrorText,
        ) -> AsVariants<'f, F, WithSerde>;
        /// Whether this one can be had again from what is written.
        fn arrives(&self, field: &F) -> bool;
    }

    impl<F: Variants<WithSerde>> Nested<F> for &&&Of<F> {
        fn part<'f>(
            &self,
            field: &'f F,
            _: impl FnOnce() -> ErrorText,
        ) -> AsVariants<'f, F, WithSerde> {
            AsVariants::new(field)
        }

        fn arrives(&self, field: &F) -> bool {
            field.crossing().typed
        }
    }

    /// The same, where its parameters are no serde types.
    pub trait NestedAny<F> {
        /// What is written.
        fn part<'f>(
            &self,
            field: &'f F,
            tell: impl FnOnce() -> ErrorText,
        ) -> AsVariants<'f, F, WithAny>;
        /// Whether this one can be had again from what is written.
        fn arrives(&self, field: &F) -> bool;
    }

    impl<F: Variants<WithAny>> NestedAny<F> for &&Of<F> {
        fn part<'f>(
            &self,
            field: &'f F,
            _: impl FnOnce() -> ErrorText,
        ) -> AsVariants<'f, F, WithAny> {
            AsVariants::new(field)
        }

        fn arrives(&self, field: &F) -> bool {
            field.crossing().typed
        }
    }

    /// Serde types.
    pub trait Value<F> {
        /// What is written.
        fn part<'f>(&self, field: &'f F, tell: impl FnOnce() -> ErrorText) -> &'f F;
        /// Whether this one can be had again from what is written.
        fn arrives(&self, field: &F) -> bool;
    }

    impl<F: Serialize + DeserializeOwned> Value<F> for &Of<F> {
        fn part<'f>(&self, field: &'f F, _: impl FnOnce() -> ErrorText) -> &'f F {
            field
        }

        fn arrives(&self, _: &F) -> bool {
            true
        }
    }

    /// Everything else: what can be told of it.
    pub trait Told<F> {
        /// What is written.
        fn part(&self, field: &F, tell: impl FnOnce() -> ErrorText) -> ErrorText;
        /// Whether this one can be had again from what is written: its type tells.
        fn arrives(&self, field: &F) -> bool;
    }

    impl<F> Told<F> for Of<F> {
        fn part(&self, _: &F, tell: impl FnOnce() -> ErrorText) -> ErrorText {
            tell()
        }

        fn arrives(&self, _: &F) -> bool {
            true
        }
    }

    /// An error that may be missing.
    pub trait Optional<E> {
        /// What can be told of it.
        fn tell(&self, error: &Option<E>, text: String) -> ErrorText;
    }

    impl<E: StdError + 'static> Optional<E> for &&Of<Option<E>> {
        fn tell(&self, error: &Option<E>, _: String) -> ErrorText {
            error
                .as_ref()
                .map_or_else(ErrorText::default, |error| ErrorText::with_sources(error))
        }
    }

    /// What holds an error that may be missing.
    pub trait OptionalHeld<E> {
        /// What can be told of it.
        fn tell(&self, error: &Option<E>, text: String) -> ErrorText;
    }

    impl<E: AsRef<dyn StdError + Send + Sync> + Debug> OptionalHeld<E> for &Of<Option<E>> {
        fn tell(&self, error: &Option<E>, _: String) -> ErrorText {
            error.as_ref().map_or_else(ErrorText::default, |error| {
                ErrorText::with_sources(error.as_ref())
            })
        }
    }
}

/// How a field is made from what was told of it.
pub mod make {
    use super::{Error, ErrorText, FromText, Of, StdError, io};

    /// Types known here.
    pub trait Known<F> {
        /// How, if it can be.
        fn make(&self) -> Option<fn(ErrorText) -> F>;
    }

    impl<F: FromText> Known<F> for &&&&Of<F> {
        fn make(&self) -> Option<fn(ErrorText) -> F> {
            Some(F::from_text)
        }
    }

    /// `From<meshrpc::Error>`.
    pub trait Mesh<F> {
        /// How, if it can be.
        fn make(&self) -> Option<fn(ErrorText) -> F>;
    }

    impl<F: From<Error>> Mesh<F> for &&&Of<F> {
        fn make(&self) -> Option<fn(ErrorText) -> F> {
            Some(|text| F::from(text.into_error()))
        }
    }

    /// `From<Box<dyn Error + Send + Sync>>`.
    pub trait Boxed<F> {
        /// How, if it can be.
        fn make(&self) -> Option<fn(ErrorText) -> F>;
    }

    impl<F: From<Box<dyn StdError + Send + Sync>>> Boxed<F> for &&Of<F> {
        fn make(&self) -> Option<fn(ErrorText) -> F> {
            Some(|text| F::from(Box::new(text.into_error())))
        }
    }

    /// `From<io::Error>`.
    pub trait Io<F> {
        /// How, if it can be.
        fn make(&self) -> Option<fn(ErrorText) -> F>;
    }

    impl<F: From<io::Error>> Io<F> for &Of<F> {
        fn make(&self) -> Option<fn(ErrorText) -> F> {
            Some(|text| F::from(text.into_io()))
        }
    }

    /// Everything else.
    pub trait Hopeless<F> {
        /// How, if it can be.
        fn make(&self) -> Option<fn(ErrorText) -> F>;
    }

    impl<F> Hopeless<F> for Of<F> {
        fn make(&self) -> Option<fn(ErrorText) -> F> {
            None
        }
    }
}

/// How a field is read.
pub mod remake {
    use serde::{Serialize, de::DeserializeOwned};

    use super::{AsText, AsValue, AsVariant, ErrorText, Of, Variants, WithAny, WithSerde};

    /// Has the derive itself.
    pub trait Nested<F> {
        /// How it is read.
        fn remake(&self, make: Option<fn(ErrorText) -> F>) -> AsVariant<F, WithSerde>;
    }

    impl<F: Variants<WithSerde>> Nested<F> for &&&Of<F> {
        fn remake(&self, _: Option<fn(ErrorText) -> F>) -> AsVariant<F, WithSerde> {
            AsVariant::NEW
        }
    }

    /// The same, where its parameters are no serde types.
    pub trait NestedAny<F> {
        /// How it is read.
        fn remake(&self, make: Option<fn(ErrorText) -> F>) -> AsVariant<F, WithAny>;
    }

    impl<F: Variants<WithAny>> NestedAny<F> for &&Of<F> {
        fn remake(&self, _: Option<fn(ErrorText) -> F>) -> AsVariant<F, WithAny> {
            AsVariant::NEW
        }
    }

    /// Serde types.
    pub trait Value<F> {
        /// How it is read.
        fn remake(&self, make: Option<fn(ErrorText) -> F>) -> AsValue<F>;
    }

    impl<F: Serialize + DeserializeOwned> Value<F> for &Of<F> {
        fn remake(&self, _: Option<fn(ErrorText) -> F>) -> AsValue<F> {
            AsValue::NEW
        }
    }

    /// Everything else.
    pub trait Told<F> {
        /// How it is read.
        fn remake(&self, make: Option<fn(ErrorText) -> F>) -> AsText<F>;
    }

    impl<F> Told<F> for Of<F> {
        fn remake(&self, make: Option<fn(ErrorText) -> F>) -> AsText<F> {
            AsText(make)
        }
    }
}

/// How one field is read.
pub trait Remake: Copy {
    /// The field.
    type Value;

    /// Whether the field can be had again from what is written of it.
    fn remakes(self) -> bool;
    /// Reads the field.
    ///
    /// # Errors
    /// Those of the deserializer.
    fn read<'de, D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error>;
}

/// As a type with the derive.
#[derive(Debug)]
pub struct AsVariant<F, M>(std::marker::PhantomData<fn() -> (F, M)>);

impl<F, M> AsVariant<F, M> {
    const NEW: Self = Self(std::marker::PhantomData);
}

impl<F, M> Clone for AsVariant<F, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F, M> Copy for AsVariant<F, M> {}

impl<F: Variants<M>, M> Remake for AsVariant<F, M> {
    type Value = F;

    fn remakes(self) -> bool {
        true
    }

    fn read<'de, D: Deserializer<'de>>(self, from: D) -> Result<F, D::Error> {
        Rebuilt::<F, M>::deserialize(from).map(|rebuilt| rebuilt.error)
    }
}

/// As a serde type.
#[derive(Debug)]
pub struct AsValue<F>(std::marker::PhantomData<fn() -> F>);

impl<F> AsValue<F> {
    const NEW: Self = Self(std::marker::PhantomData);
}

impl<F> Clone for AsValue<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for AsValue<F> {}

impl<F: DeserializeOwned> Remake for AsValue<F> {
    type Value = F;

    fn remakes(self) -> bool {
        true
    }

    fn read<'de, D: Deserializer<'de>>(self, from: D) -> Result<F, D::Error> {
        F::deserialize(from)
    }
}

/// As what was told of it.
#[derive(Debug)]
pub struct AsText<F>(Option<fn(ErrorText) -> F>);

impl<F> Clone for AsText<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for AsText<F> {}

impl<F> Remake for AsText<F> {
    type Value = F;

    fn remakes(self) -> bool {
        self.0.is_some()
    }

    fn read<'de, D: Deserializer<'de>>(self, from: D) -> Result<F, D::Error> {
        let text = ErrorText::deserialize(from)?;
        match self.0 {
            Some(make) => Ok(make(text)),
            None => Err(serde::de::Error::custom("a field that cannot be rebuilt")),
        }
    }
}

/// Types that can be made from what was told of one.
pub trait FromText {
    /// The value.
    fn from_text(text: ErrorText) -> Self;
}

impl FromText for io::Error {
    fn from_text(text: ErrorText) -> Self {
        text.into_io()
    }
}

impl FromText for Error {
    fn from_text(text: ErrorText) -> Self {
        text.into_error()
    }
}

impl FromText for Box<dyn StdError + Send + Sync> {
    fn from_text(text: ErrorText) -> Self {
        Box::new(text.into_error())
    }
}

impl FromText for Arc<dyn StdError + Send + Sync> {
    fn from_text(text: ErrorText) -> Self {
        Arc::new(text.into_error())
    }
}

impl FromText for Cow<'static, str> {
    fn from_text(text: ErrorText) -> Self {
        text.messages.join(": ").into()
    }
}

/// Backtraces stay where they were taken.
impl FromText for Backtrace {
    fn from_text(_: ErrorText) -> Self {
        Backtrace::disabled()
    }
}

impl<T: FromText> FromText for Box<T> {
    fn from_text(text: ErrorText) -> Self {
        Box::new(T::from_text(text))
    }
}

impl<T: FromText> FromText for Arc<T> {
    fn from_text(text: ErrorText) -> Self {
        Arc::new(T::from_text(text))
    }
}

impl<T: FromText> FromText for Option<T> {
    fn from_text(text: ErrorText) -> Self {
        (!text.messages.is_empty()).then(|| T::from_text(text))
    }
}
