//! Every accepted form of a trait, called through its generated client and handler.

#![deny(warnings, missing_docs)]
// Traits of services are public.
#![allow(unreachable_pub)]
// Forms that people write, not that we would.
#![allow(
    clippy::manual_async_fn,
    clippy::needless_arbitrary_self_type,
    clippy::ptr_arg,
    clippy::too_many_arguments,
    clippy::type_complexity,
    clippy::wrong_self_convention
)]

mod arguments;
mod attachments;
mod attributes;
mod errors;
mod generics;
mod hygiene;
mod kept;
mod macros;
mod object_streams;
mod objects;
mod paths;
mod plain;
mod receivers;
mod results;
mod styles;
mod supertraits;
mod surroundings;
