//! The steps of a generated body that has streams. Each macro is re-exported from
//! [`v1`](super::super::v1) under its short name.

/// `describe_stream!(schema, fn(Argument, …) -> Return, fn(Taken) -> Item)`: tells the schema of
/// a method with streams. Each type but the arguments may be missing.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_describe_stream {
    (
        $schema:expr,
        fn($($argument:ty),* $(,)?) $(-> $return:ty)?,
        fn($($taken:ty)?) $(-> $item:ty)? $(,)?
    ) => {{
        let schema = $schema;
        $( $crate::__rt::v1::describe_argument!(schema, $argument); )*
        $({
            use $crate::__rt::v1::ladder::value_in::{Bytes as _, Plain as _, Unreadable as _};
            let of = $crate::__rt::v1::Of::<$taken>::new();
            $crate::__rt::v1::describe_taken(schema, |crossed| (&&&of).value(crossed));
        })?
        $({
            use $crate::__rt::v1::ladder::{
                error_in::{Derived as _, DerivedAny as _, Text as _, Typed as _},
                split::{Split as _, Unsplit as _},
                value_in::{Bytes as _, Plain as _, Unreadable as _},
            };
            let whole = $crate::__rt::v1::Of::<$item>::new();
            let (ok, err) = ((&&whole).ok(), (&&whole).err());
            $crate::__rt::v1::describe_items(
                schema,
                |crossed| (&&&ok).value(crossed),
                |crossed| (&&&&err).error(crossed),
            );
        })?
        $( $crate::__rt::v1::describe_reply!(schema, $return); )?
    }};
}

/// `taken!(call, Item)`: the stream that the caller sends.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_taken {
    ($call:expr, $item:ty) => {{
        use $crate::__rt::v1::ladder::value_in::{Bytes as _, Plain as _, Unreadable as _};
        $call.taken(|received| {
            let of = $crate::__rt::v1::Of::<$item>::new();
            received.decode().map(|crossed| (&&&of).value(crossed))
        })
    }};
}

/// `sending!(streaming, stream, Item)`: the call with the stream that it sends.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_sending {
    ($streaming:expr, $stream:expr, $item:ty) => {{
        use $crate::__rt::v1::ladder::value_out::{Bytes as _, Plain as _, Unsendable as _};
        $streaming.sending($stream, |items, item: $item| {
            items.put_as::<$item, _>((&&&$crate::__rt::v1::Of::value(&item)).wire(&item))
        })
    }};
}

/// `send_items!(reply, stream, Item)`: answers with a stream of `Result`s. It is an `Ok`, the error
/// being one of decoding.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_send_items {
    ($reply:expr, $stream:expr, $item:ty) => {{
        use $crate::__rt::v1::ladder::{
            error_out::{Derived as _, DerivedAny as _, Typed as _, Untyped as _},
            send::{Debugged as _, Held as _, Shown as _, Silent as _, Sourced as _, Text as _},
            split::{Split as _, Unsplit as _},
            value_out::{Bytes as _, Plain as _, Unsendable as _},
        };
        let response = $reply.send($stream, |items, item: $item| {
            let whole = $crate::__rt::v1::Of::value(&item);
            match (&&whole).split(item) {
                $crate::__rt::v1::Ok(value) => items.put_as::<$item, _>(&$crate::__rt::v1::Passed(
                    (&&&$crate::__rt::v1::Of::value(&value)).wire(&value),
                )),
                $crate::__rt::v1::Err(error) => {
                    let kind = $crate::__rt::v1::Of::value(&error);
                    let tell = || (&&&kind).tell(&error, (&&&kind).text(&error));
                    items.put_as::<$item, _>(&$crate::__rt::v1::Failed(
                        (&&&&&kind).cross(&error, tell),
                    ))
                }
            }
        });
        $crate::__rt::v1::Ok(response.await)
    }};
}

/// `open_items!(reply, result, Item)`: answers with the stream of `Result`s that a method returned,
/// or with its error. It is an `Ok`, the error being one of decoding.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_open_items {
    ($reply:expr, $result:expr, $item:ty) => {{
        let reply = $reply;
        match $result {
            $crate::__rt::v1::Ok(stream) => {
                $crate::__rt::v1::send_items!(reply, stream, $item)
            }
            $crate::__rt::v1::Err(error) => {
                use $crate::__rt::v1::ladder::send::{
                    Debugged as _, Derived as _, DerivedAny as _, Held as _, Shown as _,
                    Silent as _, Sourced as _, Text as _, Typed as _, Untyped as _,
                };
                let kind = $crate::__rt::v1::Of::value(&error);
                let text = (&&&kind).text(&error);
                let replier = $crate::__rt::v1::replier(&reply);
                let tell = |text| (&&&kind).tell(&error, text);
                $crate::__rt::v1::Ok((&&&&&&kind).send(&error, text, tell, replier))
            }
        }
    }};
}

/// `items!(replies, Item)`: the stream of `Result`s that a call is answered with.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_items {
    ($replies:expr, $item:ty) => {{
        use $crate::__rt::v1::ladder::{
            error_in::{Derived as _, DerivedAny as _, Text as _, Typed as _},
            fail::{
                Boxed as _, Derived as _, DerivedAny as _, Exact as _, Hopeless as _, Io as _,
                Mesh as _,
            },
            split::{Split as _, Unsplit as _},
            value_in::{Bytes as _, Plain as _, Unreadable as _},
        };
        $replies.read(
            |received| {
                let whole = $crate::__rt::v1::Of::<$item>::new();
                let (ok, err) = ((&&whole).ok(), (&&whole).err());
                let item = $crate::__rt::v1::read_item(
                    &received,
                    |crossed| (&&&ok).value(crossed),
                    |crossed| (&&&&err).error(crossed),
                    |failure| (&&&&err).unknown(failure),
                    |failure| (&&&&&&&err).fail(failure),
                );
                item.map(|item| (&&whole).join(item))
            },
            |failure| -> $item {
                let whole = $crate::__rt::v1::Of::<$item>::new();
                let err = (&&whole).err();
                (&&whole).join($crate::__rt::v1::Err((&&&&&&&err).fail(failure)))
            },
        )
    }};
}

/// `settle_items!(Return, opened, Item)`: what the client's method returns, a stream or the error
/// that it did not begin for; `Return` has `()` in the stream's place.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_settle_items {
    ($return:ty, $opened:expr, $item:ty) => {{
        use $crate::__rt::v1::ladder::{
            fail::{
                Boxed as _, Derived as _, DerivedAny as _, Exact as _, Hopeless as _, Io as _,
                Mesh as _,
            },
            split::{Split as _, Unsplit as _},
            typed::{Derived as _, DerivedAny as _, Text as _, Typed as _},
        };
        let whole = $crate::__rt::v1::Of::<$return>::new();
        let error = (&&whole).err();
        match $opened {
            $crate::__rt::v1::Ok($crate::__rt::v1::Ok(replies)) => {
                $crate::__rt::v1::Ok($crate::__rt::v1::items!(replies, $item))
            }
            $crate::__rt::v1::Ok($crate::__rt::v1::Err(failure)) => $crate::__rt::v1::Err(
                (&&&&error)
                    .rebuild(failure)
                    .unwrap_or_else(|failure| (&&&&&&&error).fail(failure)),
            ),
            $crate::__rt::v1::Err(failure) => $crate::__rt::v1::Err((&&&&&&&error).fail(failure)),
        }
    }};
}
