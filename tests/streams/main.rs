//! Streams of traits over real sockets: every spelling, both directions, and whatever can happen to
//! one on its way; and calls that outlive their callers.

mod effects;
mod ends;
mod flow;
mod forms;
mod items;
mod support;
