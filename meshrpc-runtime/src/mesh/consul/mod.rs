//! `consul:`.
mod placeholder;
pub mod sidecar;
