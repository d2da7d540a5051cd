//! Which instance gets the next call.
//!
//! Round robin per call is exact, because a share that only holds on average is of no
//! use to somebody who watches three instances take three calls. Rendezvous hashing is for calls with
//! a session key: every client computes the same order of instances from the registry's names alone,
//! and when an instance comes or goes only its own keys move.

mod rendezvous;
mod rotation;

pub use rendezvous::{ranked, score};

pub use crate::wire::MAX_SESSION_KEY;
pub(crate) use rotation::{Rotation, Schedule};
