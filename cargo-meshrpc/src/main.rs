//! `cargo meshrpc`.
fn main() {}
