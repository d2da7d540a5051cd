//! Runtime of meshrpc.

#[allow(missing_docs, missing_debug_implementations)]
pub mod client;
pub mod codec;
pub mod connection;
pub mod contract;
pub mod discovery;
mod error;
#[cfg(feature = "http")]
pub mod http;
#[allow(missing_docs)]
pub mod mesh;
mod rt;
#[allow(missing_docs, missing_debug_implementations)]
pub mod server;
pub mod transport;
pub mod wire;

#[cfg(feature = "macros")]
pub use meshrpc_macros::mesh_service;

pub use client::{Call, Channel};
pub use error::{Code, Error, Kind, Limit, Started};
pub use mesh::{Client, Mesh};
pub use server::Handler;

/// What generated code calls. Versioned: `v1` may grow, and never changes.
#[doc(hidden)]
pub mod __rt {
    pub use crate::rt::v1;
}
