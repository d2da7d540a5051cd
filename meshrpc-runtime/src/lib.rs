//! Runtime of meshrpc.

pub mod codec;
pub mod connection;
pub mod contract;
pub mod discovery;
mod error;
#[cfg(feature = "http")]
pub mod http;
pub mod transport;
pub mod wire;

pub use error::{Code, Error, Kind, Limit, Started};
