//! What generated code calls, and nothing else does.
//!
//! Generated code knows the types of a trait only as written. Which of them are serde types, which
//! errors can be rebuilt at the caller, is decided where it is compiled, by *autoref
//! specialisation*: a method is looked up on `&&&Of<T>`, and the first of several traits that is
//! implemented for one reference less, and less, and less, is taken. This works because every type
//! in generated code is concrete.
//!
//! The last trait of each such ladder is implemented for every type, so that bodies compile even
//! when the user's type cannot cross; the one error is reported by the bounds in [`bounds`], which
//! generated code checks once per written type.

mod blocking;
mod bounds;
mod crosses;
mod errors;
mod given;
mod handler;
mod macros;
pub mod raw;
mod seam;
mod streams;
mod values;

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The first version of what generated code calls. It may grow; what is here never changes.
pub mod v1 {
    pub use std::{
        option::Option::{None, Some},
        result::Result::{Err, Ok},
    };

    pub use async_trait::async_trait;
    pub use tokio::sync::RwLock;

    pub use crate::{
        client::{Answer, Call, Channel},
        contract::{Deadline, MethodSchema, MethodSpec, ServiceSpec},
        discovery::BoxFuture,
        error::Error,
        mesh::{Client, Mesh},
        server::{Handler, Request, Response, StreamCall, streamed},
        wire::CallKind,
    };

    pub use super::streams::{
        BoxStream, Failed, Passed, boxed, boxed_stream, call_replier, describe_items,
        describe_taken, read_item, replier,
    };
    pub use super::{
        Nothing, Of,
        blocking::{blocking, blocking_work},
        bounds::{
            MeshClone, MeshDefault, MeshError, MeshItem, MeshRaw, MeshResult, MeshValue,
            SessionArgument,
        },
        crosses::{Always, And, Value, value_of},
        given::{accepted, panic_with, rebuilt, swallow, wire_for, wire_of},
        handler::{Replier, accept, answer, cast, no_arguments, reply_to, unheard, unknown_method},
        raw::{copied, reply_raw, returned},
        seam::Seam,
    };
    pub use crate::{
        __mesh_attach as attach, __mesh_cloned as cloned, __mesh_default_of as default_of,
        __mesh_describe as describe, __mesh_describe_argument as describe_argument,
        __mesh_describe_reply as describe_reply, __mesh_detach as detach,
        __mesh_error_arrives as error_arrives, __mesh_error_cause as error_cause,
        __mesh_error_part as error_part, __mesh_error_remake as error_remake,
        __mesh_error_text as error_text, __mesh_named as named, __mesh_put as put,
        __mesh_respond as respond, __mesh_session_key as session_key, __mesh_settle as settle,
        __mesh_take as take, __mesh_take_with as take_with,
    };
    pub use crate::{
        __mesh_describe_stream as describe_stream, __mesh_finished as finished,
        __mesh_items as items, __mesh_open_items as open_items, __mesh_send_items as send_items,
        __mesh_sending as sending, __mesh_settle_items as settle_items, __mesh_taken as taken,
    };

    /// What `#[derive(MeshError)]` calls.
    pub mod derived {
        pub use serde::{Deserializer, Serializer, de::VariantAccess};

        pub use super::super::errors::{
            derived::{
                Crossing, Parts, Seed, Variants, WithAny, WithSerde, no_variant, read_enum,
                read_struct, read_struct_variant, read_tuple, remakes, unreadable, write_newtype,
                write_struct, write_struct_variant, write_tuple, write_unit,
            },
            text::ErrorText,
        };
        pub use crate::error::{Code, Error};
        pub use serde::{Serialize, de::DeserializeOwned};
    }

    /// The traits of each ladder, imported by the macros where a ladder is climbed.
    pub mod ladder {
        pub use super::super::{
            crosses::ladder as crosses,
            errors::{
                derived::{
                    field::{make, part, remake},
                    whole,
                },
                fail, send, typed,
            },
            raw,
            streams::{error_in, error_out, value_in, value_out},
            values::{cloned, given, read, session, split, write},
        };
    }
}

/// A type as a value, to look methods up on.
pub struct Of<T: ?Sized>(PhantomData<fn(&T)>);

/// What stands for a type that cannot be had. There is no value of it.
pub enum Nothing {}

// Serde types, so that nothing is said of it after the type it stands for was refused.
impl Serialize for Nothing {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("there is no such value"))
    }
}

impl<T: ?Sized> Of<T> {
    /// The type `T`.
    #[expect(
        clippy::new_without_default,
        reason = "a type, not a value to start from"
    )]
    pub const fn new() -> Self {
        Self(PhantomData)
    }

    /// The type of `value`.
    pub const fn value(_: &T) -> Self {
        Self(PhantomData)
    }
}

impl<T: ?Sized> fmt::Debug for Of<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<T>())
    }
}
