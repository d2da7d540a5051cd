//! Contracts: what a trait looks like to the runtime, and whether two sides have the same one.

mod describe;
mod schema;
mod spec;

pub use describe::{ContractDescription, DESCRIBE, MethodDescription};
pub(crate) use schema::Items;
pub use schema::MethodSchema;
pub(crate) use schema::{Behind, Kind, Layout, Leaf, Part, Place, Shape};
pub use spec::{Deadline, MethodSpec, ServiceSpec, UnsupportedMethod, method_key};
