//! Who gets the calls, between real processes.

mod sessions;
mod settings;
mod turns;
mod upstream;

/// The service under test.
const LEDGER: &str = env!("CARGO_BIN_EXE_ledger");
