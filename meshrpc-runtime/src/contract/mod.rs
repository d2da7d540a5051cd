//! Contracts: what a trait looks like to the runtime, and whether two sides have the same one.

mod describe;
mod schema;
mod spec;

pub use describe::{ContractDescription, DESCRIBE, MethodDescription};
pub(crate) use schema::Items;
pub use schema::MethodSchema;
pub use spec::{Deadline, MethodSpec, ServiceSpec, UnsupportedMethod, method_key};
