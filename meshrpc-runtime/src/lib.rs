//! Runtime of meshrpc.

pub mod client;
pub mod codec;
pub mod connection;
pub mod context;
pub mod contract;
pub mod discovery;
mod error;
#[cfg(feature = "http")]
pub mod http;
pub mod mesh;
pub mod server;
pub mod transport;
pub mod wire;

pub use client::{Call, Channel, SessionKey};
pub use context::{Context, spawn};
pub use error::{Code, Error, Kind, Limit, Started};
pub use mesh::{Client, Mesh};
pub use server::{Handler, HandlerExt, Limits, Server, Serving, shutdown_signal};
