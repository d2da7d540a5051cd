//! What callers and operators see on a mesh of real Consul agents and real sidecars.
//!
//! # Layout
//! - `place`: a release and a kind of proxy, and a process for each test
//! - `site`: an agent, and a deployment on its mesh
//! - `doctor`: what `cargo meshrpc doctor` says of it
//! - `ground`: what the other tests stand on: agents start, and bytes pass through their proxies
//! - `by_hand`: services, upstreams and sidecars by hand
//! - `asked`: what agents are asked, and what becomes of their answers
//! - `balancing`: which instance gets a call
//! - `leaving`: a program that only calls others ends
//! - `late`: a client whose sidecar comes late
//! - `stops`: an instance is told to stop
//! - `refusals`: why nobody answers
//! - `untrue`: what the registry says is not so
//! - `instance`: sidecars that are dialled with a certificate of our own
//! - `secrets`: what none of the processes says
//! - `diagnoses`: what is wrong, and is named by it
//! - `drills`: what must not break when something does

mod asked;
mod balancing;
mod by_hand;
mod diagnoses;
mod doctor;
mod drills;
mod ground;
mod instance;
mod late;
mod leaving;
mod place;
mod refusals;
mod secrets;
mod site;
mod stops;
mod untrue;
