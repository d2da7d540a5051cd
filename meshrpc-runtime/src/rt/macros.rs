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
        // A lifetime that is left out is an error of its own here, and not one of each body.
        type __Taken = $type;
        (&&&$crate::__rt::v1::Of::<__Taken>::new()).take(&mut $args)
    }};
}

/// `named!(Name, Type)`: a name for a type. Of a lifetime that is left out the compiler then says
/// the same here as where the type is read, so it says it once.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_named {
    ($name:ident, $type:ty) => {
        type $name = $type;
    };
}

/// `cloned!(reference)`: what is made anew for a method that borrows what it is in.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_cloned {
    ($reference:expr) => {{
        use $crate::__rt::v1::ladder::cloned::{Cloned as _, Uncloned as _};
        let reference = $reference;
        (&&$crate::__rt::v1::Of::value(reference)).cloned(reference)
    }};
}

/// `attach!(value)`: a byte string as it is sent.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_attach {
    ($value:expr) => {{
        use $crate::__rt::v1::ladder::raw::{NotRaw as _, Raw as _};
        match $value {
            value => (&&$crate::__rt::v1::Of::value(&value)).attach(value),
        }
    }};
}

/// `detach!(Type, bytes)`: a byte string from what arrived.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_detach {
    ($type:ty, $bytes:expr) => {{
        use $crate::__rt::v1::ladder::raw::{NotRaw as _, Raw as _};
        (&&$crate::__rt::v1::Of::<$type>::new()).detach($bytes)
    }};
}

/// `describe!(schema, fn(Argument, …) -> Return)`: tells the schema of a method.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_describe {
    ($schema:expr, fn($($argument:ty),* $(,)?) -> $return:ty $(,)?) => {{
        let schema = $schema;
        $( $crate::__rt::v1::describe_argument!(schema, $argument); )*
        $crate::__rt::v1::describe_reply!(schema, $return);
    }};
}

/// `describe_argument!(schema, Argument)`, or `…, with from_wire)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_describe_argument {
    ($schema:expr, with $from_wire:expr) => {{
        use $crate::__rt::v1::ladder::read::{Bytes as _, Plain as _, Unreadable as _};
        (&&&$crate::__rt::v1::wire_of($from_wire)).argument($schema);
    }};
    ($schema:expr, $argument:ty) => {{
        use $crate::__rt::v1::ladder::read::{Bytes as _, Plain as _, Unreadable as _};
        type __Taken = $argument;
        (&&&$crate::__rt::v1::Of::<__Taken>::new()).argument($schema);
    }};
}

/// `describe_reply!(schema, Return)`, with `plain` for one that need not be a result, and with
/// `with from_wire` or `raw`.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_describe_reply {
    ($schema:expr, $return:ty $(, with $from_wire:expr)?) => {
        $crate::__mesh_describe_reply!(@ $schema, $return, Unsplit $(, $from_wire)?)
    };
    ($schema:expr, $return:ty, plain $(, with $from_wire:expr)?) => {
        $crate::__mesh_describe_reply!(@ $schema, $return, Whole $(, $from_wire)?)
    };
    ($schema:expr, $return:ty, raw) => {
        $crate::__mesh_describe_reply!(@raw $schema, $return, Unsplit)
    };
    ($schema:expr, $return:ty, plain, raw) => {
        $crate::__mesh_describe_reply!(@raw $schema, $return, Whole)
    };
    (@raw $schema:expr, $return:ty, $rest:ident) => {{
        use $crate::__rt::v1::ladder::split::{Split as _, $rest as _};
        let whole = $crate::__rt::v1::Of::<$return>::new();
        let bytes = $crate::__rt::v1::Of::<::std::vec::Vec<u8>>::new();
        $crate::__mesh_describe_reply!(@@ $schema, bytes, (&&whole).err());
    }};
    (@ $schema:expr, $return:ty, $rest:ident) => {{
        use $crate::__rt::v1::ladder::split::{Split as _, $rest as _};
        let whole = $crate::__rt::v1::Of::<$return>::new();
        $crate::__mesh_describe_reply!(@@ $schema, (&&whole).ok(), (&&whole).err());
    }};
    (@ $schema:expr, $return:ty, $rest:ident, $from_wire:expr) => {{
        use $crate::__rt::v1::ladder::split::{Split as _, $rest as _};
        let whole = $crate::__rt::v1::Of::<$return>::new();
        let wire = $crate::__rt::v1::wire_of($from_wire);
        $crate::__mesh_describe_reply!(@@ $schema, wire, (&&whole).err());
    }};
    (@@ $schema:expr, $ok:expr, $err:expr) => {{
        use $crate::__rt::v1::ladder::{
            read::{Bytes as _, Plain as _, Unreadable as _},
            typed::{Derived as _, DerivedAny as _, Text as _, Typed as _},
        };
        (&&&$ok).reply($schema);
        (&&&&$err).describe($schema);
    }};
}

/// `respond!(replier, result)`: the response to a method that returned `result`. It is an `Ok`, the
/// error being one of decoding. With `plain` for one that need not be a result, and `with to_wire` or `raw`.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_respond {
    ($replier:expr, $result:expr $(, with $to_wire:expr)?) => {
        $crate::__mesh_respond!(@ $replier, $result, Unsplit $(, $to_wire)?)
    };
    ($replier:expr, $result:expr, plain $(, with $to_wire:expr)?) => {
        $crate::__mesh_respond!(@ $replier, $result, Whole $(, $to_wire)?)
    };
    ($replier:expr, $result:expr, raw) => {
        $crate::__mesh_respond!(@ $replier, $result, Unsplit; raw)
    };
    ($replier:expr, $result:expr, plain, raw) => {
        $crate::__mesh_respond!(@ $replier, $result, Whole; raw)
    };
    (@value $value:ident, $replier:ident; raw) => {
        $crate::__rt::v1::reply_raw(&$crate::__rt::v1::attach!($value), $replier)
    };
    (@value $value:ident, $replier:ident $(, $to_wire:expr)?) => {{
        use $crate::__rt::v1::ladder::write::{Bytes as _, Plain as _, Unsendable as _};
        $(let $value = $to_wire(&$value);)?
        (&&&$crate::__rt::v1::Of::value(&$value)).reply(&$value, $replier)
    }};
    (@ $replier:expr, $result:expr, $rest:ident $($how:tt)*) => {{
        use $crate::__rt::v1::ladder::{
            send::{
                Debugged as _, Derived as _, DerivedAny as _, Held as _, HeldHere as _, Shown as _,
                Silent as _, Sourced as _, Text as _, Typed as _, Untyped as _,
            },
            split::{Split as _, $rest as _},
        };
        let replier = $replier;
        match $result {
            result => {
                let whole = $crate::__rt::v1::Of::value(&result);
                $crate::__rt::v1::Ok(match (&&whole).split(result) {
                    $crate::__rt::v1::Ok(value) => {
                        $crate::__mesh_respond!(@value value, replier $($how)*)
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

/// `settle!(Return, answer)`: what the client's method returns. With `else given` for one that need
/// not be a result, `or given` for a result whose error cannot hold a failed call, and `with from_wire`
/// or `raw`.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_settle {
    ($return:ty, $answer:expr $(, with $from_wire:expr)?) => {{
        use $crate::__rt::v1::ladder::split::{Split as _, Unsplit as _};
        let whole = $crate::__rt::v1::Of::<$return>::new();
        let (value, error) = ((&&whole).ok(), (&&whole).err());
        (&&whole).join($crate::__mesh_settle!(@held value, error, $answer $(, $from_wire)?))
    }};
    ($return:ty, $answer:expr, raw) => {{
        use $crate::__rt::v1::ladder::split::{Split as _, Unsplit as _};
        let whole = $crate::__rt::v1::Of::<$return>::new();
        let (value, error) = ($crate::__rt::v1::returned((&&whole).ok()), (&&whole).err());
        (&&whole).join($crate::__mesh_settle!(@held value, error, $answer))
    }};
    ($return:ty, $answer:expr, else $given:expr $(, with $from_wire:expr)?) => {{
        use $crate::__rt::v1::ladder::split::{Split as _, Whole as _};
        let whole = $crate::__rt::v1::Of::<$return>::new();
        let (value, error) = ((&&whole).ok(), (&&whole).err());
        let result = $crate::__mesh_settle!(@held value, error, $answer $(, $from_wire)?);
        (&&whole).join_or(result, $given)
    }};
    ($return:ty, $answer:expr, else $given:expr, raw) => {{
        use $crate::__rt::v1::ladder::split::{Split as _, Whole as _};
        let whole = $crate::__rt::v1::Of::<$return>::new();
        let (value, error) = ($crate::__rt::v1::returned((&&whole).ok()), (&&whole).err());
        let result = $crate::__mesh_settle!(@held value, error, $answer);
        (&&whole).join_or(result, $given)
    }};
    ($return:ty, $answer:expr, or $given:expr $(, with $from_wire:expr)?) => {{
        use $crate::__rt::v1::ladder::split::{Split as _, Unsplit as _};
        let whole = $crate::__rt::v1::Of::<$return>::new();
        let (value, error) = ((&&whole).ok(), (&&whole).err());
        match $crate::__mesh_settle!(@ value, error, $answer $(, $from_wire)?) {
            $crate::__rt::v1::Ok(result) => (&&whole).join(result),
            $crate::__rt::v1::Err(failure) => ($given)(failure),
        }
    }};
    ($return:ty, $answer:expr, or $given:expr, raw) => {{
        use $crate::__rt::v1::ladder::split::{Split as _, Unsplit as _};
        let whole = $crate::__rt::v1::Of::<$return>::new();
        let (value, error) = ($crate::__rt::v1::returned((&&whole).ok()), (&&whole).err());
        match $crate::__mesh_settle!(@ value, error, $answer) {
            $crate::__rt::v1::Ok(result) => (&&whole).join(result),
            $crate::__rt::v1::Err(failure) => ($given)(failure),
        }
    }};
    // As a result, whose error holds a failed call.
    (@held $value:ident, $error:ident, $answer:expr $(, $from_wire:expr)?) => {{
        use $crate::__rt::v1::ladder::fail::{
            Boxed as _, Derived as _, DerivedAny as _, Exact as _, Hopeless as _, Io as _, Mesh as _,
        };
        match $crate::__mesh_settle!(@ $value, $error, $answer $(, $from_wire)?) {
            $crate::__rt::v1::Ok(result) => result,
            $crate::__rt::v1::Err(failure) => {
                $crate::__rt::v1::Err((&&&&&&&$error).fail(failure))
            }
        }
    }};
    // The method's own result, or the failed call.
    (@ $value:ident, $error:ident, $answer:expr $(, $from_wire:expr)?) => {{
        use $crate::__rt::v1::ladder::{
            raw::{ReadRaw as _, UnreadRaw as _},
            read::{Bytes as _, Plain as _, Unreadable as _},
            typed::{Derived as _, DerivedAny as _, Text as _, Typed as _},
        };
        let value = $value;
        $(let value = $crate::__rt::v1::wire_for(value, $from_wire);)?
        match $answer {
            $crate::__rt::v1::Ok($crate::__rt::v1::Answer::Value(answer)) => {
                let read = (&&&value).read(answer);
                $(let read = read.and_then($crate::__rt::v1::rebuilt($from_wire));)?
                read.map($crate::__rt::v1::Ok)
            }
            $crate::__rt::v1::Ok($crate::__rt::v1::Answer::Failed(failure)) => {
                (&&&&$error).rebuild(failure).map($crate::__rt::v1::Err)
            }
            $crate::__rt::v1::Err(failure) => $crate::__rt::v1::Err(failure),
        }
    }};
}

/// `take_with!(args, "argument", from_wire)`: reads one argument that crosses as another type.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_take_with {
    ($args:expr, $name:literal, $from_wire:expr) => {{
        use $crate::__rt::v1::ladder::read::{Bytes as _, Plain as _, Unreadable as _};
        (&&&$crate::__rt::v1::wire_of($from_wire))
            .take(&mut $args)
            .and_then($crate::__rt::v1::accepted($name, $from_wire))
    }};
}

/// `default_of!(Return, "Trait::method", failure)`: the default, which is logged.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_default_of {
    ($return:ty, $method:literal, $failure:expr) => {{
        use $crate::__rt::v1::ladder::given::{Defaulted as _, Undefaulted as _};
        $crate::__rt::v1::swallow($method, $failure);
        (&&$crate::__rt::v1::Of::<$return>::new()).given()
    }};
}

/// `finished!(replier, result)`: tells of the error of a method that nobody waits for.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_finished {
    ($replier:expr, $result:expr) => {{
        use $crate::__rt::v1::ladder::send::{Debugged as _, Shown as _, Silent as _};
        if let $crate::__rt::v1::Err(error) = $result {
            let text = (&&&$crate::__rt::v1::Of::value(&error)).text(&error);
            $crate::__rt::v1::unheard($replier, &text);
        }
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

/// `error_arrives!(field)`: whether a field of an error can be had again from what is written of it.
#[doc(hidden)]
#[macro_export]
macro_rules! __mesh_error_arrives {
    ($field:expr) => {{
        use $crate::__rt::v1::ladder::part::{Nested as _, NestedAny as _, Told as _, Value as _};
        let field = $field;
        (&&&&$crate::__rt::v1::Of::value(field)).arrives(field)
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
