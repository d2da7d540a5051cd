//! Traits as programs have them, served on a socket and called through their clients.
//!
//! Their forms are those of 144 service-like traits of public programs, in the same proportions:
//! `census` counts them, and `census.txt` is the table. `harness` says how they are tried.

#![allow(
    missing_docs,
    reason = "the names of the methods say what programs would say of them"
)]

pub mod harness;
pub mod values;

mod census;
pub mod chains;
pub mod corpus;
pub mod devices;
pub mod events;
pub mod indexes;
pub mod machines;
pub mod messaging;
pub mod models;
pub mod money;
pub mod objects;
pub mod offices;
pub mod operations;
pub mod platform;
pub mod records;
pub mod repositories;
pub mod scripts;
pub mod signers;
pub mod storage;
pub mod tenants;
pub mod vaults;
