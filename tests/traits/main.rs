//! Traits as programs have them, served on a socket and called through their clients.
//!
//! Their forms are those of 144 service-like traits of public programs, in the same proportions;
//! `census` counts them. `harness` says how they are tried.

#![allow(
    missing_docs,
    reason = "the names of the methods say what programs would say of them"
)]

pub mod harness;
pub mod values;

pub mod chains;
pub mod machines;
pub mod messaging;
pub mod money;
pub mod objects;
pub mod platform;
pub mod repositories;
pub mod signers;
pub mod storage;
pub mod vaults;
