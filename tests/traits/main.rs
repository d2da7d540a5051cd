//! Traits as programs have them, served on a socket and called through their clients.
//!
//! Their forms are those of 144 service-like traits of public programs, in the same proportions;
//! `census` counts them. `harness` says how they are tried.

pub mod harness;

pub mod machines;
pub mod messaging;
pub mod storage;
