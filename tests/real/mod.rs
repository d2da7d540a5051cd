//! Real Consul agents, and the proxies that travel with them.
//!
//! ```ignore
//! let Some(consul) = real::consul(Release::V1_22) else {
//!     return;
//! };
//! let agent = Agent::of(consul).start().await;
//! let mesh = Mesh::open(&agent.url("via=plain")).await?;
//! ```
//!
//! # Layout
//! - `binaries`: finds Consul and Envoy, or fetches them
//! - `program`: a process that is not left behind
//! - `agent`: an agent on ports of its own, and what is asked of it
//! - `sidecar`: a proxy beside a registered service
//! - `hosts`: several hosts on one machine

mod agent;
mod binaries;
mod hosts;
mod program;
mod sidecar;

pub use agent::{Agent, Asker, Intention, Reply, Start, Token, free, free_range};
pub use binaries::{Consul, Release, consul, envoy};
pub use hosts::Host;
pub use program::Program;
pub use sidecar::{Found, Kind, beside};
