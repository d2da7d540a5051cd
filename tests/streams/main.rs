//! Streams of traits over real sockets: every spelling, both directions, and whatever can happen to
//! one on its way.

mod forms;
mod items;
mod support;
