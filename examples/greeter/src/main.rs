//! Serves the greeter, and an ordinary HTTP handler beside it.

use std::{
    env,
    io::{self, IsTerminal},
    time::Duration,
};

use axum::{Router, routing::get};
use greeter::{Desk, GreeterHandler};
use meshrpc::{Mesh, Server, shutdown_signal};
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

    let mesh = Mesh::from_env().await?;
    let server = Server::builder()
        .service(GreeterHandler::new(Desk))
        .http(Router::new().route("/check", get(check)))
        .build();
    mesh.serve("greeter", server)
        .await?
        .until(shutdown_signal())
        .drain(DRAIN)
        .await?;
    Ok(())
}

/// An HTTP handler as any other: it was there before the trait was served.
async fn check() -> &'static str {
    "the desk is open\n"
}
