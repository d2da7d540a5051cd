//! Who gets the calls, between real processes.

mod sessions;
mod turns;

/// The service under test.
const LEDGER: &str = env!("CARGO_BIN_EXE_ledger");
