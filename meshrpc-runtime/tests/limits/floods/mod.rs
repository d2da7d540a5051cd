//! A server under floods, in a process of its own, whose memory and descriptors are counted.
//!
//! # Layout
//! - `flooded`: that process
//! - `memory`: what ten times the load costs
//! - `descriptors`: a server that runs out of them

mod descriptors;
mod flooded;
mod memory;
