//! Which instance gets the next call.
//!
//! Round robin per call is exact, because a share that only holds on average is of no
//! use to somebody who watches three instances take three calls. Rendezvous hashing is for calls with
//! a session key: every client computes the same order of instances from the registry's names alone,
//! and when an instance comes or goes only its own keys move. Of a list that is longer than one client
//! connects to, each client has a subset, by the same hashing over its own number.

mod rendezvous;
mod rotation;
mod settings;
mod subset;

pub use rendezvous::{ranked, score};
pub use settings::{Balancing, Choice};
pub use subset::subset;

pub use crate::wire::MAX_SESSION_KEY;
pub(crate) use rendezvous::winner;
pub(crate) use rotation::{Rotation, Schedule};
