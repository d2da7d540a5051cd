//! What callers and operators see on a mesh of real Consul agents and real sidecars.
//!
//! # Layout
//! - `place`: a release and a kind of proxy, and a process for each test
//! - `site`: an agent, and a deployment on its mesh
//! - `ground`: what the other tests stand on: agents start, and bytes pass through their proxies
//! - `asked`: what agents are asked, and what becomes of their answers
//! - `drills`: what must not break when something does

mod asked;
mod drills;
mod ground;
mod place;
mod site;
