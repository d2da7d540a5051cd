//! What follows when a call got no reply: the failure table of the wire's specification.
//!
//! A call that certainly was not started is *moved*: nothing ran, so nothing is repeated, and this
//! happens whatever the caller said about retries. A call that may have run is *retried* only if
//! its method is idempotent, the caller did not switch retries off, and the pool's [`Budget`]
//! allows it.

mod budget;
mod decision;

pub(crate) use budget::Budget;
pub(crate) use decision::{Attempt, Decision, Failure, Next, decide};
