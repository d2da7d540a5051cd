//! A change of a contract: how it was, and how it is.

use std::pin::Pin;

use meshrpc::{Mesh, server::ServerBuilder};

use crate::report::LogClient;

/// A change, with both sides compiled in.
pub struct Change {
    pub name: &'static str,
    pub old: Half,
    pub new: Half,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Old,
    New,
}

/// The calls that were made.
pub type Calls<'a> = Pin<Box<dyn Future<Output = Vec<Call>> + 'a>>;

/// A call, what came of it, and what the method was called with.
pub struct Call {
    pub call: String,
    pub outcome: String,
    pub received: Vec<String>,
}

/// One side of a change.
pub struct Half {
    pub serve: fn(ServerBuilder) -> ServerBuilder,
    pub call: for<'a> fn(&'a Mesh, &'a str, &'a LogClient) -> Calls<'a>,
}

impl Change {
    pub fn side(&self, side: Side) -> &Half {
        match side {
            Side::Old => &self.old,
            Side::New => &self.new,
        }
    }
}
