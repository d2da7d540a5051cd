//! `ring NAME` serves a peer, `ring gateway` sends states around.
//!
//! ```text
//! for peer in A B C D E; do cargo run --release --package ring -- $peer & done
//! cargo run --release --package ring -- gateway &
//! curl -d '{"limit": 100}' http://127.0.0.1:8080/peer/hop
//! ```

mod gateway;

use std::{
    env,
    io::{self, IsTerminal},
    time::Duration,
};

use anyhow::Context;
use meshrpc::{Mesh, Server, shutdown_signal};
use ring::{PeerHandler, Station, names};
use tracing_subscriber::EnvFilter;

/// How long calls under way may take when the process is told to stop.
const DRAIN: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = env::var("MESHRPC_LOG").unwrap_or_else(|_| "info".to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(io::stdout().is_terminal())
        .init();

    let role = env::args().nth(1);
    let role = role.context("usage: ring NAME | ring gateway")?;
    let mesh = Mesh::from_env().await?;
    let station = Station::new(&mesh, &names());
    if role == "gateway" {
        return gateway::run(station).await;
    }
    let server = Server::builder().service(PeerHandler::new(station)).build();
    mesh.serve(&role, server)
        .await?
        .until(shutdown_signal())
        .drain(DRAIN)
        .await?;
    Ok(())
}
