//! One peer, with clients of all.

use std::collections::HashMap;

use anyhow::Context;
use meshrpc::Mesh;

use crate::{HopState, Peer, PeerClient};

/// A peer that knows all the others.
#[derive(Debug)]
pub struct Station {
    peers: HashMap<String, PeerClient>,
}

impl Station {
    /// Connects to `peers` when they are first called; each is a deployment of its own.
    pub fn new(mesh: &Mesh, peers: &[String]) -> Self {
        let client = |name: &String| (name.clone(), PeerClient::connect(mesh, name));
        Self {
            peers: peers.iter().map(client).collect(),
        }
    }

    /// Waits until every peer can be called.
    ///
    /// # Errors
    /// If one cannot be in time: 30 s, unless `MESHRPC_DEADLINE` says otherwise.
    pub async fn wait_ready(&self) -> anyhow::Result<()> {
        for (name, peer) in &self.peers {
            let ready = peer.wait_ready().await;
            ready.with_context(|| format!("peer {name} did not come"))?;
        }
        Ok(())
    }

    /// Calls the peers of the queue in turn, and returns the last state.
    ///
    /// # Errors
    /// If a peer of the queue is not known, or a call fails.
    pub async fn go_on(&self, mut state: HopState) -> anyhow::Result<HopState> {
        let Some(next) = state.depart() else {
            return Ok(state);
        };
        let peer = self.peers.get(&next);
        let peer = peer.with_context(|| format!("there is no peer {next}"))?;
        peer.hop(state).await
    }
}

impl Peer for Station {
    async fn hop(&self, mut state: HopState) -> anyhow::Result<HopState> {
        state.arrive();
        self.go_on(state).await
    }
}
