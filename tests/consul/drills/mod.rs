//! What must not break when something does: an operator's drills.
//!
//! Real processes are killed, stopped and cut off. What is asserted is what callers see, in which
//! order, and that it does not take three times as long as it did when it was tried by hand.

mod drill_01;
mod drill_02;
mod drill_03;
mod drill_04;
mod drill_05;
mod drill_06;
mod drill_07;
mod drill_08;
mod drill_09;
mod drill_10;
mod drill_11;
mod drill_12;
mod drill_13;

/// Tasks that make calls while something breaks: each may be told once of a connection that was
/// lost.
const TASKS: u64 = 8;
