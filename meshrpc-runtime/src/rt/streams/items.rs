//! Items, and what they cross as.

use std::pin::Pin;

use futures_core::Stream;
use serde::{
    Deserialize, Serialize, Serializer,
    de::{DeserializeOwned, IgnoredAny},
};

use super::super::handler::Replier;
use crate::{
    client::Received,
    contract::MethodSchema,
    error::{Error, Kind, Started},
    server::{StreamCall, StreamReply},
};

/// The value of an item, as `Ok` of it is written.
#[derive(Debug)]
pub struct Passed<T>(pub T);

/// The error of an item, as `Err` of it is written.
#[derive(Debug)]
pub struct Failed<E>(pub E);

impl<T: Serialize> Serialize for Passed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_variant("Result", 0, "Ok", &self.0)
    }
}

impl<E: Serialize> Serialize for Failed<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_variant("Result", 1, "Err", &self.0)
    }
}

/// A `Result`, as it is read. Errors are rare and may be large: what is moved, item by item, is no
/// larger than the value.
#[derive(Deserialize)]
#[serde(rename = "Result")]
enum Crossed<V, W> {
    Ok(V),
    Err(Box<W>),
}

/// Reads an item of a stream of `Result`s: `value` and `error` make them of what crossed. An error
/// that cannot be read is an item all the same, which `unknown` makes, or else `fail`.
///
/// # Errors
/// If it is no item.
pub fn read_item<V, W, T, E>(
    received: &Received<'_>,
    value: impl FnOnce(V) -> T,
    error: impl FnOnce(W) -> Result<E, Error>,
    unknown: impl FnOnce(Error) -> Result<E, Error>,
    fail: impl FnOnce(Error) -> E,
) -> Result<Result<T, E>, Error>
where
    V: DeserializeOwned,
    W: DeserializeOwned,
{
    let unread = match received.decode::<Crossed<V, W>>() {
        Ok(Crossed::Ok(crossed)) => return Ok(Ok(value(crossed))),
        Ok(Crossed::Err(crossed)) => {
            let instance = received.instance.cloned();
            let error = error(*crossed).map_err(|error| error.with_instance(instance));
            return Ok(Err(error.unwrap_or_else(fail)));
        }
        Err(unread) => unread.instead_of::<Result<T, E>>(),
    };
    if !is_error(received) {
        let message = format!("an item cannot be decoded: {unread}");
        return Err(Error::new(Kind::Codec, message).with_started(Started::Yes));
    }
    let message = "an error that this version of the program does not know";
    let failure = Error::new(Kind::Remote, message)
        .with_source(unread)
        .with_started(Started::Yes)
        .with_instance(received.instance.cloned());
    Ok(Err(unknown(failure).unwrap_or_else(fail)))
}

/// Whether an item that cannot be read is at least seen to be an error. Positional items are not
/// seen through; their writer has the reader's types.
#[cold]
fn is_error(received: &Received<'_>) -> bool {
    matches!(
        received.decode::<Result<IgnoredAny, IgnoredAny>>(),
        Ok(Err(_))
    )
}

/// Describes the items of a stream of `Result`s that is answered, by what makes them.
pub fn describe_items<V, W, T, E>(
    schema: &mut MethodSchema,
    _: impl FnOnce(V) -> T,
    _: impl FnOnce(W) -> Result<E, Error>,
) where
    V: DeserializeOwned,
    W: DeserializeOwned,
{
    schema.items::<Result<V, W>>();
}

/// Describes the items of a stream that is taken, by what makes them.
pub fn describe_taken<V: DeserializeOwned, T>(schema: &mut MethodSchema, _: impl FnOnce(V) -> T) {
    schema.taken_items::<V>();
}

/// A stream that began, boxed.
///
/// # Errors
/// Those of `opened`.
pub fn boxed<'a, S, E>(opened: Result<S, E>) -> Result<BoxStream<'a, S::Item>, E>
where
    S: Stream + Send + 'a,
{
    opened.map(|stream| -> BoxStream<'a, S::Item> { Box::pin(stream) })
}

/// A stream, boxed.
pub fn boxed_stream<'a, S>(stream: S) -> BoxStream<'a, S::Item>
where
    S: Stream + Send + 'a,
{
    Box::pin(stream)
}

/// A stream of whatever type.
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;

/// How a stream's call is answered without a stream.
pub fn replier(reply: &StreamReply) -> Replier {
    Replier {
        codec: reply.codec(),
        method: reply.method(),
    }
}

/// Lets go of the request, where the answer is no stream.
pub fn call_replier(call: StreamCall) -> Replier {
    replier(&call.into_reply())
}

/// Values as they are written.
pub mod value_out {
    use serde::Serialize;
    use serde_bytes::Bytes as ByteStr;

    use super::super::super::{Nothing, Of};

    /// Bytes in one piece, not one by one.
    pub trait Bytes<T> {
        /// As written.
        fn wire<'a>(&self, value: &'a T) -> &'a ByteStr;
    }

    impl Bytes<Vec<u8>> for &&Of<Vec<u8>> {
        fn wire<'a>(&self, value: &'a Vec<u8>) -> &'a ByteStr {
            ByteStr::new(value)
        }
    }

    /// Serde types.
    pub trait Plain<T> {
        /// As written.
        fn wire<'a>(&self, value: &'a T) -> &'a T;
    }

    impl<T: Serialize> Plain<T> for &Of<T> {
        fn wire<'a>(&self, value: &'a T) -> &'a T {
            value
        }
    }

    /// Everything else: refused by a bound, so never called.
    pub trait Unsendable<T> {
        /// Never called.
        fn wire<'a>(&self, _: &'a T) -> &'a Nothing {
            unreachable!("refused when it was compiled")
        }
    }

    impl<T> Unsendable<T> for Of<T> {}
}

/// Values, of what was read.
pub mod value_in {
    use serde::de::DeserializeOwned;
    use serde_bytes::ByteBuf;

    use super::super::super::{Nothing, Of};

    /// Bytes in one piece, not one by one.
    pub trait Bytes {
        /// The value.
        fn value(&self, crossed: ByteBuf) -> Vec<u8>;
    }

    impl Bytes for &&Of<Vec<u8>> {
        fn value(&self, crossed: ByteBuf) -> Vec<u8> {
            crossed.into_vec()
        }
    }

    /// Serde types.
    pub trait Plain<T> {
        /// The value.
        fn value(&self, crossed: T) -> T;
    }

    impl<T: DeserializeOwned> Plain<T> for &Of<T> {
        fn value(&self, crossed: T) -> T {
            crossed
        }
    }

    /// Everything else: refused by a bound, so never called.
    pub trait Unreadable<T> {
        /// Never called.
        fn value(&self, _: Nothing) -> T {
            unreachable!("refused when it was compiled")
        }
    }

    impl<T> Unreadable<T> for Of<T> {}
}

/// Errors as they are written: as a value where they are serde types, else as what can be told of
/// them.
pub mod error_out {
    use serde::{Serialize, de::DeserializeOwned};

    use super::super::super::{
        Of,
        errors::{
            derived::{AsVariants, Variants, WithAny, WithSerde},
            text::ErrorText,
        },
    };

    /// Errors with `#[derive(MeshError)]`: variant by variant.
    pub trait Derived<E> {
        /// As written.
        fn cross<'a>(
            &self,
            error: &'a E,
            tell: impl FnOnce() -> ErrorText,
        ) -> Result<AsVariants<'a, E, WithSerde>, ErrorText>;
    }

    impl<E: Variants<WithSerde>> Derived<E> for &&&&Of<E> {
        fn cross<'a>(
            &self,
            error: &'a E,
            tell: impl FnOnce() -> ErrorText,
        ) -> Result<AsVariants<'a, E, WithSerde>, ErrorText> {
            by_variant(error, tell)
        }
    }

    /// The same, where the type's parameters are no serde types.
    pub trait DerivedAny<E> {
        /// As written.
        fn cross<'a>(
            &self,
            error: &'a E,
            tell: impl FnOnce() -> ErrorText,
        ) -> Result<AsVariants<'a, E, WithAny>, ErrorText>;
    }

    impl<E: Variants<WithAny>> DerivedAny<E> for &&&Of<E> {
        fn cross<'a>(
            &self,
            error: &'a E,
            tell: impl FnOnce() -> ErrorText,
        ) -> Result<AsVariants<'a, E, WithAny>, ErrorText> {
            by_variant(error, tell)
        }
    }

    fn by_variant<E: Variants<M>, M>(
        error: &E,
        tell: impl FnOnce() -> ErrorText,
    ) -> Result<AsVariants<'_, E, M>, ErrorText> {
        match error.crossing().typed {
            true => Ok(AsVariants::new(error)),
            false => Err(error.causes(tell())),
        }
    }

    /// Serde types.
    pub trait Typed<E> {
        /// As written.
        fn cross<'a>(&self, error: &'a E, tell: impl FnOnce() -> ErrorText) -> &'a E;
    }

    impl<E: Serialize + DeserializeOwned> Typed<E> for &&Of<E> {
        fn cross<'a>(&self, error: &'a E, _: impl FnOnce() -> ErrorText) -> &'a E {
            error
        }
    }

    /// Everything else: what can be told of it.
    pub trait Untyped<E> {
        /// As written.
        fn cross(&self, error: &E, tell: impl FnOnce() -> ErrorText) -> ErrorText;
    }

    impl<E> Untyped<E> for &Of<E> {
        fn cross(&self, _: &E, tell: impl FnOnce() -> ErrorText) -> ErrorText {
            tell()
        }
    }
}

/// Errors, of what was read.
pub mod error_in {
    use serde::{Serialize, de::DeserializeOwned};

    use super::super::super::{
        Of,
        errors::{
            derived::{Rebuilt, Variants, WithAny, WithSerde},
            text::ErrorText,
        },
    };
    use crate::error::Error;

    /// Errors with `#[derive(MeshError)]`.
    pub trait Derived<E> {
        /// The error.
        ///
        /// # Errors
        /// Never: what cannot be rebuilt is held by the type itself.
        fn error(&self, crossed: Result<Rebuilt<E, WithSerde>, ErrorText>) -> Result<E, Error>;
        /// One that was sent and cannot be read.
        ///
        /// # Errors
        /// Never.
        fn unknown(&self, failure: Error) -> Result<E, Error>;
    }

    impl<E: Variants<WithSerde>> Derived<E> for &&&Of<E> {
        fn error(&self, crossed: Result<Rebuilt<E, WithSerde>, ErrorText>) -> Result<E, Error> {
            Ok(rebuilt(crossed))
        }

        fn unknown(&self, failure: Error) -> Result<E, Error> {
            Ok(E::unknown(failure))
        }
    }

    /// The same, where the type's parameters are no serde types.
    pub trait DerivedAny<E> {
        /// The error.
        ///
        /// # Errors
        /// Never: what cannot be rebuilt is held by the type itself.
        fn error(&self, crossed: Result<Rebuilt<E, WithAny>, ErrorText>) -> Result<E, Error>;
        /// One that was sent and cannot be read.
        ///
        /// # Errors
        /// Never.
        fn unknown(&self, failure: Error) -> Result<E, Error>;
    }

    impl<E: Variants<WithAny>> DerivedAny<E> for &&Of<E> {
        fn error(&self, crossed: Result<Rebuilt<E, WithAny>, ErrorText>) -> Result<E, Error> {
            Ok(rebuilt(crossed))
        }

        fn unknown(&self, failure: Error) -> Result<E, Error> {
            Ok(E::unknown(failure))
        }
    }

    fn rebuilt<E: Variants<M>, M>(crossed: Result<Rebuilt<E, M>, ErrorText>) -> E {
        match crossed {
            Ok(rebuilt) => rebuilt.error,
            // A call of the callee's that failed is a failed call here, too.
            Err(told) if told.relayed().is_some() => E::hold(told.into_error()),
            Err(told) => E::unknown(told.into_error()),
        }
    }

    /// Serde types.
    pub trait Typed<E> {
        /// The error.
        ///
        /// # Errors
        /// Never.
        fn error(&self, crossed: E) -> Result<E, Error>;
        /// One that was sent and cannot be read.
        ///
        /// # Errors
        /// Always.
        fn unknown(&self, failure: Error) -> Result<E, Error> {
            Err(failure)
        }
    }

    impl<E: Serialize + DeserializeOwned> Typed<E> for &Of<E> {
        fn error(&self, crossed: E) -> Result<E, Error> {
            Ok(crossed)
        }
    }

    /// Everything else.
    pub trait Text<E> {
        /// The error, as message and sources.
        ///
        /// # Errors
        /// Always.
        fn error(&self, crossed: ErrorText) -> Result<E, Error>;
        /// One that was sent and cannot be read.
        ///
        /// # Errors
        /// Always.
        fn unknown(&self, failure: Error) -> Result<E, Error> {
            Err(failure)
        }
    }

    impl<E> Text<E> for Of<E> {
        fn error(&self, crossed: ErrorText) -> Result<E, Error> {
            Err(crossed.into_error())
        }
    }
}
