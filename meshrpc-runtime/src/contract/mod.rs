//! Contracts: what a trait looks like to the runtime, and whether two sides have the same one.

mod spec;
mod stand_in;

pub use spec::{Deadline, MethodSpec, ServiceSpec};
