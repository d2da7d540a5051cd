//! Every accepted form of a trait, called through its generated client and handler.

#![deny(warnings, missing_docs)]

mod arguments;
mod attributes;
mod errors;
mod surroundings;
