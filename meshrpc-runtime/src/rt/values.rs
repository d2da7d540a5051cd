//! Ladders for values: what is written and read, and how.

/// Writing: byte strings, serde types, and the step for everything else.
pub mod write {
    use serde::Serialize;
    use serde_bytes::Bytes as ByteStr;

    use super::super::{Of, handler::Replier};
    use crate::{
        codec::{ArgsWriter, EncodeError},
        server::Response,
    };

    /// Bytes in one piece, not one by one.
    pub trait Bytes<T: ?Sized> {
        /// Writes an argument.
        ///
        /// # Errors
        /// If the value cannot be written in this codec.
        fn put(&self, args: &mut ArgsWriter<'_>, value: &T) -> Result<(), EncodeError>;
        /// Writes a reply.
        fn reply(&self, value: &T, to: Replier) -> Response;
    }

    macro_rules! bytes {
        ($($type:ty)*) => {$(
            impl Bytes<$type> for &&Of<$type> {
                fn put(&self, args: &mut ArgsWriter<'_>, value: &$type) -> Result<(), EncodeError> {
                    args.put(ByteStr::new(value))
                }

                fn reply(&self, value: &$type, to: Replier) -> Response {
                    Response::value(to.codec, to.method, ByteStr::new(value))
                }
            }
        )*};
    }
    bytes! { [u8] &[u8] Vec<u8> &Vec<u8> }

    /// Serde types.
    pub trait Plain<T: ?Sized> {
        /// Writes an argument.
        ///
        /// # Errors
        /// If the value cannot be written in this codec.
        fn put(&self, args: &mut ArgsWriter<'_>, value: &T) -> Result<(), EncodeError>;
        /// Writes a reply.
        fn reply(&self, value: &T, to: Replier) -> Response;
    }

    impl<T: Serialize + ?Sized> Plain<T> for &Of<T> {
        fn put(&self, args: &mut ArgsWriter<'_>, value: &T) -> Result<(), EncodeError> {
            args.put(value)
        }

        fn reply(&self, value: &T, to: Replier) -> Response {
            Response::value(to.codec, to.method, value)
        }
    }

    /// Everything else: refused by a bound, so never called.
    pub trait Unsendable<T: ?Sized> {
        /// Never called.
        #[expect(clippy::missing_errors_doc, reason = "never called")]
        fn put(&self, _: &mut ArgsWriter<'_>, _: &T) -> Result<(), EncodeError> {
            unreachable!("refused when it was compiled")
        }
        /// Never called.
        fn reply(&self, _: &T, _: Replier) -> Response {
            unreachable!("refused when it was compiled")
        }
    }

    impl<T: ?Sized> Unsendable<T> for Of<T> {}
}

/// Reading: byte strings, serde types, and the step for everything else.
pub mod read {
    use serde::de::DeserializeOwned;
    use serde_bytes::ByteBuf;

    use super::super::Of;
    use crate::{
        client::Value,
        codec::{ArgsReader, DecodeError},
        contract::MethodSchema,
        error::Error,
    };

    /// Bytes in one piece, not one by one.
    pub trait Bytes {
        /// Reads an argument.
        ///
        /// # Errors
        /// If it is missing or cannot be read.
        fn take(&self, args: &mut ArgsReader<'_>) -> Result<Vec<u8>, DecodeError>;
        /// Reads a reply.
        ///
        /// # Errors
        /// If it cannot be read.
        fn read(&self, value: Value) -> Result<Vec<u8>, Error>;
        /// Describes an argument.
        fn argument(&self, schema: &mut MethodSchema);
        /// Describes a reply.
        fn reply(&self, schema: &mut MethodSchema);
    }

    impl Bytes for &&Of<Vec<u8>> {
        fn take(&self, args: &mut ArgsReader<'_>) -> Result<Vec<u8>, DecodeError> {
            args.take::<ByteBuf>().map(ByteBuf::into_vec)
        }

        fn read(&self, value: Value) -> Result<Vec<u8>, Error> {
            value.decode::<ByteBuf>().map(ByteBuf::into_vec)
        }

        fn argument(&self, schema: &mut MethodSchema) {
            schema.argument::<ByteBuf>();
        }

        fn reply(&self, schema: &mut MethodSchema) {
            schema.reply::<ByteBuf>();
        }
    }

    /// Serde types.
    pub trait Plain<T> {
        /// Reads an argument.
        ///
        /// # Errors
        /// If it is missing or cannot be read.
        fn take(&self, args: &mut ArgsReader<'_>) -> Result<T, DecodeError>;
        /// Reads a reply.
        ///
        /// # Errors
        /// If it cannot be read.
        fn read(&self, value: Value) -> Result<T, Error>;
        /// Describes an argument.
        fn argument(&self, schema: &mut MethodSchema);
        /// Describes a reply.
        fn reply(&self, schema: &mut MethodSchema);
    }

    impl<T: DeserializeOwned> Plain<T> for &Of<T> {
        fn take(&self, args: &mut ArgsReader<'_>) -> Result<T, DecodeError> {
            args.take()
        }

        fn read(&self, value: Value) -> Result<T, Error> {
            value.decode()
        }

        fn argument(&self, schema: &mut MethodSchema) {
            schema.argument::<T>();
        }

        fn reply(&self, schema: &mut MethodSchema) {
            schema.reply::<T>();
        }
    }

    /// Everything else: refused by a bound, so never called.
    #[expect(clippy::missing_errors_doc, reason = "never called")]
    pub trait Unreadable<T> {
        /// Never called.
        fn take(&self, _: &mut ArgsReader<'_>) -> Result<T, DecodeError> {
            unreachable!("refused when it was compiled")
        }
        /// Never called.
        fn read(&self, _: Value) -> Result<T, Error> {
            unreachable!("refused when it was compiled")
        }
        /// Never called.
        fn argument(&self, _: &mut MethodSchema) {}
        /// Never called.
        fn reply(&self, _: &mut MethodSchema) {}
    }

    impl<T> Unreadable<T> for Of<T> {}
}

/// What a method returns, taken apart and put together again.
pub mod split {
    use super::super::{Nothing, Of, bounds::MeshResult};
    use crate::error::Error;

    /// A result, under whatever name.
    pub trait Split<R: MeshResult> {
        /// The type of success.
        fn ok(&self) -> Of<R::Ok> {
            Of::new()
        }
        /// The type of failure.
        fn err(&self) -> Of<R::Err> {
            Of::new()
        }
        /// As a plain result.
        ///
        /// # Errors
        /// Those of `result`.
        fn split(&self, result: R) -> Result<R::Ok, R::Err> {
            result.split()
        }
        /// From a plain result.
        fn join(&self, result: Result<R::Ok, R::Err>) -> R {
            R::join(result)
        }
        /// The same: it has no need of what is given for a failed call.
        fn join_or<T>(&self, result: Result<R::Ok, R::Err>, _: impl FnOnce(Error) -> T) -> R {
            R::join(result)
        }
    }

    impl<R: MeshResult> Split<R> for &Of<R> {}

    /// Everything else, where the method says what is given for a failed call.
    pub trait Whole<R> {
        /// The type itself.
        fn ok(&self) -> Of<R> {
            Of::new()
        }
        /// A failed call as it is.
        fn err(&self) -> Of<Error> {
            Of::new()
        }
        /// A success.
        ///
        /// # Errors
        /// Never.
        fn split(&self, value: R) -> Result<R, Error> {
            Ok(value)
        }
        /// The value, or what is given for a failed call.
        fn join_or(&self, result: Result<R, Error>, given: impl FnOnce(Error) -> R) -> R {
            result.unwrap_or_else(given)
        }
    }

    impl<R> Whole<R> for Of<R> {}

    /// Everything else: refused by a bound, so never called.
    pub trait Unsplit<R> {
        /// No type.
        fn ok(&self) -> Of<Nothing> {
            Of::new()
        }
        /// No type.
        fn err(&self) -> Of<Nothing> {
            Of::new()
        }
        /// Never called.
        #[expect(clippy::missing_errors_doc, reason = "never called")]
        fn split(&self, _: R) -> Result<Nothing, Nothing> {
            unreachable!("refused when it was compiled")
        }
        /// Never called.
        fn join(&self, _: Result<Nothing, Nothing>) -> R {
            unreachable!("refused when it was compiled")
        }
    }

    impl<R> Unsplit<R> for Of<R> {}
}

/// What is given for a failed call.
pub mod given {
    use super::super::{
        Of,
        bounds::{MeshDefault, MeshResult},
    };

    /// Types with a default.
    pub trait Defaulted<R> {
        /// It.
        fn given(&self) -> R;
    }

    impl<R: Default> Defaulted<R> for &Of<R> {
        fn given(&self) -> R {
            R::default()
        }
    }

    /// Everything else: refused by a bound, or a result that has no need of it.
    pub trait Undefaulted<R> {
        /// Never called.
        fn given(&self) -> R {
            unreachable!("refused when it was compiled")
        }
    }

    impl<R> Undefaulted<R> for Of<R> {}

    /// Results, which tell of a failed call themselves.
    pub trait Told<R> {
        /// Never called.
        fn has_default(&self) {}
    }

    impl<R: MeshResult> Told<R> for &Of<R> {}

    /// Everything else: by a bound.
    pub trait CheckedDefault<R> {
        /// Never called.
        fn has_default(&self)
        where
            R: MeshDefault,
        {
        }
    }

    impl<R> CheckedDefault<R> for Of<R> {}
}

/// What is made anew.
pub mod cloned {
    use super::super::Of;

    /// Types that can be.
    pub trait Cloned<T> {
        /// Another one.
        fn cloned(&self, value: &T) -> T;
    }

    impl<T: Clone> Cloned<T> for &Of<T> {
        fn cloned(&self, value: &T) -> T {
            value.clone()
        }
    }

    /// Everything else: refused by a bound, so never called.
    pub trait Uncloned<T> {
        /// Never called.
        fn cloned(&self, _: &T) -> T {
            unreachable!("refused when it was compiled")
        }
    }

    impl<T> Uncloned<T> for Of<T> {}
}

/// Session keys.
pub mod session {
    use super::super::Of;
    use crate::client::SessionKey;

    /// Types that can be one.
    pub trait Key<T: ?Sized> {
        /// The key as text.
        fn key(&self, value: &T) -> String;
    }

    impl<T: SessionKey + ?Sized> Key<T> for &Of<T> {
        fn key(&self, value: &T) -> String {
            value.session_key()
        }
    }

    /// Everything else: refused by a bound, so never called.
    pub trait Keyless<T: ?Sized> {
        /// Never called.
        fn key(&self, _: &T) -> String {
            unreachable!("refused when it was compiled")
        }
    }

    impl<T: ?Sized> Keyless<T> for Of<T> {}
}
