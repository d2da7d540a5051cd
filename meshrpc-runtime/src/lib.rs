//! Runtime of meshrpc.

pub mod connection;
pub mod contract;
pub mod discovery;
mod error;
pub mod mesh;
pub mod wire;

pub use error::{Code, Error, Kind, Limit, Started};
