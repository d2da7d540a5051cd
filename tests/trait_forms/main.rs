//! Every accepted form of a trait, called through its generated client and handler.

#![deny(warnings, missing_docs)]
// Traits of services are public.
#![allow(unreachable_pub)]

mod arguments;
mod attributes;
mod errors;
mod surroundings;
