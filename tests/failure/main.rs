//! What callers see when instances fail, between real processes.

mod blocked;
mod cut;
mod damaged;
mod deadlines;
mod frozen;
mod half_open;
mod kill;
mod panics;
mod stop;
mod together;

/// The service under test.
const LEDGER: &str = env!("CARGO_BIN_EXE_ledger");
