//! Traits as programs have them, served on a socket and called through their clients.
//!
//! Their forms are those of 144 service-like traits of public programs, in the same proportions;
//! `census` counts them. `harness` says how they are tried.

mod harness;
mod values;

mod machines;
mod messaging;
mod money;
mod repositories;
mod storage;
