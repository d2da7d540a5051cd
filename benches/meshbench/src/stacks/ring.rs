//! The ring: services A to E, each a process with clients to all. A call that arrives at one is
//! passed on to the next, nested, until it has made its hops.

use anyhow::{Context, Result};
use meshrpc::{Mesh, Server, mesh_service};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::meshrpc::tcp;
use crate::process;

/// Names of the services, in their order.
pub const SERVICES: [&str; 5] = ["A", "B", "C", "D", "E"];

/// What is passed on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Hop {
    /// Where it began.
    pub start: String,
    /// Where it is.
    pub current: String,
    /// Where it was before.
    pub last: String,
    /// Where it goes, in turn.
    pub queue: Vec<String>,
    /// The place in the queue.
    pub queue_idx: u64,
    /// Hops to make.
    pub limit: u64,
    /// Hops made.
    pub hop_count: u64,
    /// When the last hop began, on the clock that the processes share, in nanoseconds.
    pub sent: u64,
    /// Sum of all hops, one way, in nanoseconds.
    pub hop_latency: u64,
}

/// A member of the ring.
#[mesh_service]
pub trait Ring {
    /// Passes `hop` on until its limit, and answers with its last state.
    async fn hop(&self, hop: Hop) -> Result<Hop>;
}

struct Member {
    clients: Vec<(String, RingClient)>,
}

impl Hop {
    /// One that has not begun.
    pub fn new(limit: u64) -> Self {
        Self {
            queue: SERVICES.map(str::to_owned).to_vec(),
            limit,
            sent: now(),
            ..Self::default()
        }
    }
}

impl Ring for Member {
    async fn hop(&self, mut hop: Hop) -> Result<Hop> {
        hop.hop_latency += now().saturating_sub(hop.sent);
        hop.hop_count += 1;
        if hop.hop_count >= hop.limit {
            return Ok(hop);
        }
        hop.queue_idx = (hop.queue_idx + 1) % hop.queue.len() as u64;
        let next = hop.queue.get(hop.queue_idx as usize).context("no next")?;
        hop.last = std::mem::replace(&mut hop.current, next.clone());
        let next = self.clients.iter().find(|(name, _)| *name == hop.current);
        let (_, client) = next.context("nobody has this name")?;
        hop.sent = now();
        client.hop(hop).await
    }
}

/// Serves as the one of the ring that is called `name`.
pub async fn serve(name: &str) -> Result<()> {
    let mesh = Mesh::open("local:").await?;
    let clients = SERVICES.map(|name| (name.to_owned(), RingClient::connect(&mesh, name)));
    let member = Member {
        clients: clients.to_vec(),
    };
    let server = Server::builder().service(RingHandler::new(member)).build();
    let serving = mesh.serve(name, server).await?;
    process::answer(tcp(&serving)?);
    std::future::pending().await
}

/// Nanoseconds on a clock that the processes of a machine share.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
