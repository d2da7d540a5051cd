//! What peers may send that mean no good.
//!
//! # Layout
//! - `targets`: the fuzz targets, on what fuzzers have found and on random variations of it
//! - `bombs`: few bytes that ask for much, in each codec

mod bombs;
mod targets;
