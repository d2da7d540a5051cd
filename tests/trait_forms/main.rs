//! Every accepted form of a trait, called through its generated client and handler.

#![deny(warnings, missing_docs)]
// Traits of services are public.
#![allow(unreachable_pub)]
// Forms that people write, not that we would.
#![allow(clippy::ptr_arg, clippy::too_many_arguments)]

mod arguments;
mod attributes;
mod errors;
mod generics;
mod objects;
mod receivers;
mod styles;
mod surroundings;
