//! What a client of a Consul agent makes of agents that no real one can be made to be.
//!
//! # Layout
//! - `fake`: an agent that says what a test wants
//! - `answers`: answers of any kind, size and pace
//! - `hostile`: answers without end, that lead elsewhere, or that are of no use to anybody
//! - `joining`: agents that are late, or not what was asked for
//! - `watches`: lists whose index, status or contents go where they should not

mod answers;
mod fake;
mod hostile;
mod joining;
mod watches;
