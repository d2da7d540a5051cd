//! HTTP and JSON in, mesh calls out: no code of the services is compiled in.
//!
//! ```no_run
//! use meshrpc::{Mesh, gateway::{self, Gateway}, shutdown_signal};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let mesh = Mesh::from_env().await?;
//! let gateway = Gateway::builder().deployment(&mesh, "greeter").build();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! gateway::serve(listener, gateway, shutdown_signal()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! `/{deployment}/{rest}` is, in this order:
//!
//! 1. with `POST`, and `rest` the name of a method of one of the deployment's contracts: a call. The
//!    body is a JSON object from argument to value, the answer the result as JSON. `rest` may be
//!    `Contract.method`, and has to be where two contracts have a method of that name.
//! 2. a request to the HTTP handlers that the deployment's instances publish, with the path `/{rest}`;
//! 3. else 404, naming both.
//!
//! An error has the status of its code (`docs/errors.md`), a body over 16 MiB, unless
//! [`max_body`](GatewayBuilder::max_body) says otherwise, for a method 413, and
//! each a JSON body `{"error": {"code", "message", "sources", "started", "detail"}}`: `sources` are
//! the messages of what caused it, `detail` is the method's own error where that is a value. The
//! header `x-meshrpc-session` is the session key. Only deployments that were named are reached: what
//! a request's path says opens no connections.
//!
//! # Layout
//! - `service`: from a request to its answer
//! - `catalogue`: what the instances of a deployment serve
//! - `failure`: errors as responses
//! - `listener`, `access_log`: an HTTP server around it

mod access_log;
mod catalogue;
mod failure;
mod listener;
mod service;

pub use self::{
    access_log::AccessLog,
    listener::{PeerAddress, serve},
    service::{Gateway, GatewayBuilder},
};
