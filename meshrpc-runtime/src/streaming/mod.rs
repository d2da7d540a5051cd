//! The items of a call, over the streams of a connection.
//!
//! Items are polled, written and read by whoever works for the call: there is no task, channel or
//! allocation for an item. Small ones are gathered as long as the next one is there at once, and
//! leave together; one that comes alone leaves alone.
//!
//! # Layout
//! - `sending`: from a stream of values to the bytes of a direction
//! - `receiving`: and back

mod receiving;
mod sending;

pub(crate) use receiving::{Receiving, Unread};
pub(crate) use sending::{Fed, Fill, Filled, Sending, Unsent};

pub use self::receiving::Received;
