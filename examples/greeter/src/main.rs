//! Serves the greeter.

use std::time::Duration;

use greeter::{Desk, GreeterHandler};
use meshrpc::{Mesh, Server, shutdown_signal};

/// How long calls under way may take when the process is told to stop.
const DRAIN: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mesh = Mesh::from_env().await?;
    let server = Server::builder().service(GreeterHandler::new(Desk)).build();
    mesh.serve("greeter", server)
        .await?
        .until(shutdown_signal())
        .drain(DRAIN)
        .await?;
    Ok(())
}
