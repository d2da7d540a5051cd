//! A ring of peers: each calls the next one, which calls the one after it, until there were enough
//! hops. Then the last state goes back the whole way.
//!
//! So a call of `limit` hops is `limit` calls within each other, each in another process.

mod names;
mod station;

use std::time::{SystemTime, UNIX_EPOCH};

use meshrpc::mesh_service;
use serde::{Deserialize, Serialize};

pub use names::{NAMES, names};
pub use station::Station;

/// Passes a state on.
#[mesh_service]
pub trait Peer {
    /// Notes the hop, and calls the next peer of the queue unless this was the last hop.
    ///
    /// # Errors
    /// If the next peer is not known, or cannot be called.
    async fn hop(&self, state: HopState) -> anyhow::Result<HopState>;
}

/// What goes around. Times are nanoseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopState {
    /// When the first call was made.
    pub start: u64,
    /// When the last peer was reached.
    pub current: u64,
    /// When the last call was made.
    pub last: u64,
    /// Names of the peers, in the order in which they are called, again and again.
    pub queue: Vec<String>,
    /// Place in the queue of the peer that is called next.
    pub queue_idx: usize,
    /// Hops to make.
    pub limit: u64,
    /// Hops made.
    pub hop_count: u64,
    /// What each hop took, in nanoseconds: one way, from the caller's state being ready until the
    /// callee has it. The clock is the machine's, so between two machines it means nothing.
    pub hop_latency: Vec<u64>,
}

impl HopState {
    /// A state that was nowhere yet.
    pub fn new(queue: Vec<String>, limit: u64) -> Self {
        let start = now();
        Self {
            start,
            current: start,
            last: start,
            queue,
            queue_idx: 0,
            limit,
            hop_count: 0,
            hop_latency: Vec::new(),
        }
    }

    /// The peer that is called next, if another hop is to be made. The call has to follow at once.
    pub fn depart(&mut self) -> Option<String> {
        if self.hop_count >= self.limit {
            return None;
        }
        let next = self.queue.get(self.queue_idx)?.clone();
        self.queue_idx = (self.queue_idx + 1) % self.queue.len();
        self.last = now();
        Some(next)
    }

    /// A peer was reached.
    pub fn arrive(&mut self) {
        self.current = now();
        self.hop_count += 1;
        self.hop_latency
            .push(self.current.saturating_sub(self.last));
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}
