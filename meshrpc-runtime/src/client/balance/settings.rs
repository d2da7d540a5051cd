//! How calls are spread.

use std::time::Duration;

/// How calls are spread over the instances of a deployment; for
/// [`Mesh::balancing`](crate::Mesh::balancing). `docs/balancing.md` has the reasons and figures.
///
/// ```
/// use meshrpc::{Mesh, client::balance::{Balancing, Choice}};
///
/// let mut balancing = Balancing::default();
/// balancing.choice = Choice::LeastLoadedOfTwo;
/// balancing.connections = 4;
/// let mesh = Mesh::in_process().balancing(balancing);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Balancing {
    /// Which instance gets the next call that names no session. In turn unless set.
    pub choice: Choice,
    /// Instances that a client connects to at most, at least one. Of a longer list each client has a
    /// part of its own; a session's instance is connected whether it is in that part or not. 256
    /// unless set.
    pub subset: usize,
    /// Connections to each instance, at least one. One unless set.
    pub connections: usize,
    /// Age at which a connection is replaced by a new one to the same instance, give or take a
    /// tenth. Calls under way are finished on the old one. Never unless set.
    pub max_age: Option<Duration>,
}

/// Which instance gets a call that names no session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// Each in turn, as often as its weight says: every share is exact.
    #[default]
    RoundRobin,
    /// Of two taken at random, the one with fewer calls of this client under way for its weight.
    /// It takes load from an instance that has become slow, and its shares hold on average only.
    LeastLoadedOfTwo,
}

impl Default for Balancing {
    fn default() -> Self {
        Self {
            choice: Choice::default(),
            subset: 256,
            connections: 1,
            max_age: None,
        }
    }
}
