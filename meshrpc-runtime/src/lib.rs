//! A trait that the program has already is served by another process, and called through a client
//! that implements the same trait.
//!
//! ```
//! use meshrpc::{Mesh, Server, mesh_service};
//!
//! #[mesh_service]
//! pub trait Greeter {
//!     async fn greet(&self, name: &str) -> anyhow::Result<String>;
//! }
//!
//! struct Polite;
//!
//! impl Greeter for Polite {
//!     async fn greet(&self, name: &str) -> anyhow::Result<String> {
//!         Ok(format!("Hello, {name}!"))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> anyhow::Result<()> {
//! let mesh = Mesh::in_process();
//! let server = Server::builder().service(GreeterHandler::new(Polite)).build();
//! let serving = mesh.serve("greeter", server).await?;
//!
//! let greeter = GreeterClient::connect(&mesh, "greeter");
//! assert_eq!(greeter.greet("Max").await?, "Hello, Max!");
//! # drop(serving);
//! # Ok(())
//! # }
//! ```
//!
//! Between processes the mesh is [`Mesh::from_env`]: on one machine, where nothing else is
//! configured, processes find each other through an embedded registry. The package is called
//! `meshrpc-runtime`, the library `meshrpc`.
//!
//! - What the attribute makes of a trait, and its keys: [`mesh_service`].
//! - Options of a call, such as its deadline or session: [`Call`]. Of every client: [`Client`].
//! - What a handler knows of the call it serves: [`Context`].
//! - What can go wrong: [`Error`], and the table in `docs/errors.md`.
//! - Programs without a runtime: [`block_on`], [`Mesh::from_env_blocking`].
//! - Serving, layers, and an orderly stop: [`server`].
//! - What callers may use, and what a client takes: [`Limits`], [`ClientLimits`], and the table in
//!   `docs/limits.md`.
//! - Who may connect, and what is known of a caller: [`Mesh::keys`], [`wire::Identity`], and
//!   `docs/security.md`.
//! - Which instance gets a call: [`balance`](client::balance), and `docs/balancing.md`.
//!
//! # Features
//!
//! | feature | default | enables |
//! |---|---|---|
//! | `macros` | yes | the attribute [`mesh_service`] |
//! | `tcp` | yes | TCP |
//! | `unix` | yes | Unix sockets |
//! | `local` | yes | the embedded registry, `MESHRPC_MESH=local:` |
//! | `json` | no | JSON as a third codec |
//! | `http` | no | ordinary HTTP handlers beside methods; implies `json` |
//! | `gateway` | no | HTTP and JSON in, mesh calls out; implies `http` |
//! | `tls` | no | TLS: `transport::tls`, `Mesh::tls`, `MESHRPC_MESH=static+tls:…` |
//! | `consul` | no | Consul and its sidecar proxies, `MESHRPC_MESH=consul://…`; implies `tls` |
//! | `testing` | no | pairs of client and implementation in a test, and faults between them |
//!
//! A crate that only holds contracts needs `macros` alone.
//!
//! # Layout
//!
//! Each module uses only those above it, which a test holds.
//!
//! - `error`: one error type, whose fault it is, and whether the call may have run
//! - `blocking`: threads that wait for a call, and the one that carries it
//! - [`wire`]: the protocol, without sockets and without a clock
//! - [`contract`]: what a trait looks like to the runtime, and whether two sides have the same one
//! - [`codec`]: values to bytes and back, with guards against silent loss
//! - [`discovery`]: deployments, instances, endpoints; no I/O
//! - [`transport`]: TCP, Unix sockets, pipes in memory
//! - [`connection`]: drives one wire connection over one byte stream
//! - [`context`]: what is known of the call a task works for
//! - `http`: HTTP over the mesh, the contract `meshrpc.http`
//! - `streaming`: the items of a call, over the streams of a connection
//! - [`client`]: channels, pools, balancing, sticky sessions, retries
//! - [`server`]: handlers, layers, listeners, drain
//! - [`mesh`]: who serves what, and the way there
//! - `gateway`: HTTP and JSON in, mesh calls out
//! - `rt`: what generated code calls
//! - `testing`: a client and an implementation in one test, over the real wire

mod blocking;
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
mod streaming;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transport;
pub mod wire;

pub use blocking::block_on;
pub use client::{Call, Channel, ClientLimits, SessionKey};
pub use context::{Context, spawn};
pub use error::{Code, Error, Kind, Limit, Started};
pub use mesh::{Client, Mesh};
#[cfg(feature = "macros")]
pub use meshrpc_macros::{MeshError, mesh_service};
pub use server::{Handler, HandlerExt, Limits, Server, Serving, shutdown_signal};

/// What generated code calls. Versioned: `v1` may grow, and never changes.
#[doc(hidden)]
pub mod __rt {
    pub use crate::rt::v1;
}
