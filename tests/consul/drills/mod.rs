//! What must not break when something does: an operator's drills.
//!
//! Real processes are killed, stopped and cut off. What is asserted is what callers see, in which
//! order, and that it does not take three times as long as it did when it was tried by hand.
