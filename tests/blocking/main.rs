//! Methods that are not async: their callers wait, wherever they are.

mod ends;
mod places;
mod served;

/// The service under test, in a process of its own.
const GAUGE: &str = env!("CARGO_BIN_EXE_gauge");
