//! Items, and what they cross as.

use std::pin::Pin;

use futures_core::Stream;
use serde::{Serialize, Serializer, de::DeserializeOwned};

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

/// Reads an item of a stream of `Result`s: `value` and `error` make them of what crossed, `fail` of
/// an item that cannot be read.
///
/// # Errors
/// The item's own, or that it cannot be read.
pub fn read_item<V, W, T, E>(
    received: &Received<'_>,
    value: impl FnOnce(V) -> T,
    error: impl FnOnce(W) -> Result<E, Error>,
    fail: impl FnOnce(Error) -> E,
) -> Result<T, E>
where
    V: DeserializeOwned,
    W: DeserializeOwned,
{
    match received.decode::<Result<V, W>>() {
        Ok(Ok(crossed)) => Ok(value(crossed)),
        Ok(Err(crossed)) => Err(error(crossed).unwrap_or_else(fail)),
        Err(unread) => {
            let message = format!("an item cannot be decoded: {unread}");
            let unread = Error::new(Kind::Codec, message).with_source(unread);
            let unread = unread.with_instance(received.instance.cloned());
            Err(fail(unread.with_started(Started::Yes)))
        }
    }
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

type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;

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

/// Errors as they are written: as a value where they are serde types, else as messages.
pub mod error_out {
    use std::error::Error as StdError;

    use serde::{Serialize, de::DeserializeOwned};

    use super::super::super::{Of, errors::send::chain};
    use crate::client::ItemError;

    /// Serde types.
    pub trait Typed<E> {
        /// As written.
        fn cross<'a>(&self, error: &'a E, text: String) -> &'a E;
    }

    impl<E: Serialize + DeserializeOwned> Typed<E> for &&&Of<E> {
        fn cross<'a>(&self, error: &'a E, _: String) -> &'a E {
            error
        }
    }

    /// Errors: message and sources.
    pub trait Sourced<E> {
        /// As written.
        fn cross(&self, error: &E, text: String) -> ItemError;
    }

    impl<E: StdError + 'static> Sourced<E> for &&Of<E> {
        fn cross(&self, error: &E, _: String) -> ItemError {
            with_sources(error)
        }
    }

    /// What holds an error without being one: message and sources.
    pub trait Held<E> {
        /// As written.
        fn cross(&self, error: &E, text: String) -> ItemError;
    }

    impl<E: AsRef<dyn StdError + Send + Sync>> Held<E> for &Of<E> {
        fn cross(&self, error: &E, _: String) -> ItemError {
            with_sources(error.as_ref())
        }
    }

    /// Everything else: `text`.
    pub trait Text<E> {
        /// As written.
        fn cross(&self, error: &E, text: String) -> ItemError;
    }

    impl<E> Text<E> for Of<E> {
        fn cross(&self, _: &E, text: String) -> ItemError {
            ItemError {
                chain: vec![text],
                relayed: None,
            }
        }
    }

    fn with_sources(error: &(dyn StdError + 'static)) -> ItemError {
        let (chain, relayed) = chain(error);
        ItemError {
            chain,
            relayed: relayed.map(|code| code as u8),
        }
    }
}

/// Errors, of what was read.
pub mod error_in {
    use serde::{Serialize, de::DeserializeOwned};

    use super::super::super::Of;
    use crate::{
        client::{ItemError, Received},
        error::Error,
    };

    /// Serde types.
    pub trait Typed<E> {
        /// The error.
        ///
        /// # Errors
        /// Never.
        fn error(&self, crossed: E, received: Option<&Received<'_>>) -> Result<E, Error>;
    }

    impl<E: Serialize + DeserializeOwned> Typed<E> for &Of<E> {
        fn error(&self, crossed: E, _: Option<&Received<'_>>) -> Result<E, Error> {
            Ok(crossed)
        }
    }

    /// Everything else.
    pub trait Text<E> {
        /// The error, as message and sources.
        ///
        /// # Errors
        /// Always.
        fn error(&self, crossed: ItemError, received: Option<&Received<'_>>) -> Result<E, Error>;
    }

    impl<E> Text<E> for Of<E> {
        fn error(&self, crossed: ItemError, received: Option<&Received<'_>>) -> Result<E, Error> {
            Err(crossed.into_error(received))
        }
    }
}
