//! Runtime of meshrpc.

pub mod client;
pub mod codec;
pub mod connection;
pub mod context;
pub mod contract;
pub mod discovery;
mod error;
#[cfg(feature = "gateway")]
pub mod gateway;
#[cfg(feature = "http")]
pub mod http;
pub mod mesh;
mod rt;
pub mod server;
pub mod transport;
pub mod wire;

pub use client::{Call, Channel, SessionKey};
pub use context::{Context, spawn};
pub use error::{Code, Error, Kind, Limit, Started};
pub use mesh::{Client, Mesh};
#[cfg(feature = "macros")]
pub use meshrpc_macros::mesh_service;
pub use server::{Handler, HandlerExt, Limits, Server, Serving, shutdown_signal};

/// What generated code calls. Versioned: `v1` may grow, and never changes.
#[doc(hidden)]
pub mod __rt {
    pub use crate::rt::v1;
}
