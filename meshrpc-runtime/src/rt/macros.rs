//! The steps of a generated body that climb a ladder. Each macro is re-exported from
//! [`v1`](super::v1) under its short name.

/// `put!(args, value)`: writes one argument, which stays where it is.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_put {
    ($args:expr, $value:expr) => {{
        use $crate::__rt::v1::ladder::write::{Bytes as _, Plain as _, Unsendable as _};
        let value = &$value;
        (&&&$crate::__rt::v1::Of::value(value)).put($args, value)
    }};
}

/// `take!(args, Type)`: reads one argument.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_take {
    ($args:expr, $type:ty) => {{
        use $crate::__rt::v1::ladder::read::{Bytes as _, Plain as _, Unreadable as _};
        (&&&$crate::__rt::v1::Of::<$type>::new()).take(&mut $args)
    }};
}

/// `describe!(schema, fn(Argument, …) -> Return)`: tells the schema of a method.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_describe {
    ($schema:expr, fn($($argument:ty),* $(,)?) -> $return:ty $(,)?) => {{
        use $crate::__rt::v1::ladder::{
            read::{Bytes as _, Plain as _, Unreadable as _},
            split::{Split as _, Unsplit as _},
            typed::{Derived as _, DerivedAny as _, Text as _, Typed as _},
        };
        let schema = $schema;
        $( (&&&$crate::__rt::v1::Of::<$argument>::new()).argument(schema); )*
        let whole = $crate::__rt::v1::Of::<$return>::new();
        (&&&(&&whole).ok()).reply(schema);
        (&&&&(&&whole).err()).describe(schema);
    }};
}

/// `respond!(replier, result)`: the response to a method that returned `result`. It is an `Ok`, the
/// error being one of decoding.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_respond {
    ($replier:expr, $result:expr) => {{
        use $crate::__rt::v1::ladder::{
            send::{
                Debugged as _, Derived as _, DerivedAny as _, Held as _, HeldHere as _, Shown as _,
                Silent as _, Sourced as _, Text as _, Typed as _, Untyped as _,
            },
            split::{Split as _, Unsplit as _},
            write::{Bytes as _, Plain as _, Unsendable as _},
        };
        let replier = $replier;
        match $result {
            result => {
                let whole = $crate::__rt::v1::Of::value(&result);
                $crate::__rt::v1::Ok(match (&&whole).split(result) {
                    $crate::__rt::v1::Ok(value) => {
                        (&&&$crate::__rt::v1::Of::value(&value)).reply(&value, replier)
                    }
                    $crate::__rt::v1::Err(error) => {
                        let kind = $crate::__rt::v1::Of::value(&error);
                        let text = (&&&kind).text(&error);
                        let tell = |text| (&&&&kind).tell(&error, text);
                        (&&&&&&kind).send(&error, text, tell, replier)
                    }
                })
            }
        }
    }};
}

/// `settle!(Return, answer)`: what the client's method returns.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_settle {
    ($return:ty, $answer:expr) => {{
        use $crate::__rt::v1::ladder::{
            fail::{
                Boxed as _, Derived as _, DerivedAny as _, Exact as _, Hopeless as _, Io as _,
                Mesh as _,
            },
            read::{Bytes as _, Plain as _, Unreadable as _},
            split::{Split as _, Unsplit as _},
            typed::{Derived as _, DerivedAny as _, Text as _, Typed as _},
        };
        let whole = $crate::__rt::v1::Of::<$return>::new();
        let value = (&&whole).ok();
        let error = (&&whole).err();
        (&&whole).join(match $answer {
            $crate::__rt::v1::Ok($crate::__rt::v1::Answer::Value(answer)) => (&&&value)
                .read(answer)
                .map_err(|failure| (&&&&&&&error).fail(failure)),
            $crate::__rt::v1::Ok($crate::__rt::v1::Answer::Failed(failure)) => {
                $crate::__rt::v1::Err(
                    (&&&&error)
                        .rebuild(failure)
                        .unwrap_or_else(|failure| (&&&&&&&error).fail(failure)),
                )
            }
            $crate::__rt::v1::Err(failure) => $crate::__rt::v1::Err((&&&&&&&error).fail(failure)),
        })
    }};
}

/// `session_key!(argument)`: the text that a call sticks to an instance by.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_session_key {
    ($value:expr) => {{
        use $crate::__rt::v1::ladder::session::{Key as _, Keyless as _};
        let value = &$value;
        (&&$crate::__rt::v1::Of::value(value)).key(value)
    }};
}

/// `error_text!(error)`: what can be told of an error.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_error_text {
    ($error:expr) => {{
        use $crate::__rt::v1::ladder::{
            part::{Optional as _, OptionalHeld as _},
            send::{
                Debugged as _, Held as _, HeldHere as _, Shown as _, Silent as _, Sourced as _,
                Text as _,
            },
        };
        let error = $error;
        let kind = $crate::__rt::v1::Of::value(error);
        let text = (&&&kind).text(error);
        (&&&&kind).tell(error, text)
    }};
}

/// `error_cause!(field, told)`: what was told, with the codes that a field adds.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_error_cause {
    ($field:expr, $told:expr) => {{
        use $crate::__rt::v1::ladder::{
            part::{Optional as _, OptionalHeld as _},
            send::{Held as _, HeldHere as _, Sourced as _, Text as _},
        };
        let field = $field;
        // The text is for what has no sources, and adds no code.
        let cause =
            (&&&&$crate::__rt::v1::Of::value(field)).tell(field, ::std::string::String::new());
        $told.caused_by(cause)
    }};
}

/// `error_part!(field)`: what a field of an error is written as.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_error_part {
    ($field:expr) => {{
        use $crate::__rt::v1::ladder::part::{Nested as _, NestedAny as _, Told as _, Value as _};
        let field = $field;
        (&&&&$crate::__rt::v1::Of::value(field))
            .part(field, || $crate::__rt::v1::error_text!(field))
    }};
}

/// `error_remake!(Type)`: how a field of an error is read.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_error_remake {
    ($type:ty) => {{
        use $crate::__rt::v1::ladder::{
            make::{Boxed as _, Hopeless as _, Io as _, Known as _, Mesh as _},
            remake::{Nested as _, NestedAny as _, Told as _, Value as _},
        };
        let kind = $crate::__rt::v1::Of::<$type>::new();
        let make = (&&&&&kind).make();
        (&&&&kind).remake(make)
    }};
}
