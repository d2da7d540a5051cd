//! What callers and operators see on a mesh of real Consul agents and real sidecars.
//!
//! # Layout
//! - `ground`: what the other tests stand on: agents start, and bytes pass through their proxies
//! - `both`: a test with each release and each kind of proxy

mod both;
mod ground;
