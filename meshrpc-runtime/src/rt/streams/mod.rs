//! Streams, in generated code: the closures that write and read their items, for types that are
//! known only where it is compiled.
//!
//! An item of a stream of `Result`s is sent as a `Result` of what its value and its error cross as,
//! so the stream goes on after an error. What a stream that breaks off ends with is no item: the
//! client makes it of its own failure.

mod items;
mod macros;

pub use items::{
    BoxStream, Failed, Passed, boxed, boxed_stream, call_replier, describe_items, describe_taken,
    error_in, error_out, read_item, replier, value_in, value_out,
};
