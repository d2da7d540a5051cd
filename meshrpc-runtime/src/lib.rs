//! Runtime of meshrpc.

pub mod codec;
pub mod connection;
pub mod contract;
pub mod discovery;
mod error;
pub mod transport;
pub mod wire;

pub use error::{Code, Error, Kind, Limit, Started};
