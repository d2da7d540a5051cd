//! Calls with streams.
//!
//! A call is opened like any other: the choice of an instance, and another one where the first
//! certainly did not start it. After that it belongs to one connection. All of its work, also the
//! sending of a stream argument, is done by whoever polls its future or its items, and ends when
//! that is dropped; then the callee is told.
//!
//! # Layout
//! - [`Streaming`]: a call that is to be made
//! - [`Replies`], [`Items`]: what comes back
//! - `upload`: a stream argument on its way out

mod items;
mod open;
mod upload;

pub use items::{Items, Replies};
pub use open::Streaming;
