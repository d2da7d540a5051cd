//! HTTP in, calls to greeters out.
//!
//! Two routes are typed, over the generated client; everything else under `/greeter` goes through the
//! gateway, which knows nothing of greeters.

mod routes;

use std::{
    env,
    io::{self, IsTerminal},
    net::SocketAddr,
    time::Duration,
};

use anyhow::Context;
use greeter::GreeterClient;
use meshrpc::{
    Call, Mesh,
    gateway::{self, Gateway},
    shutdown_signal,
};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// How long the first greeter is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = env::var("MESHRPC_LOG").unwrap_or_else(|_| "info".to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(io::stdout().is_terminal())
        .init();

    let mesh = Mesh::from_env().await?;
    let greeter = GreeterClient::connect(&mesh, "greeter");
    tracing::info!("waiting for a greeter, at most {PATIENCE:?}");
    greeter
        .with(Call::new().deadline(PATIENCE))
        .wait_ready()
        .await
        .context("no greeter came")?;

    let gateway = Gateway::builder().deployment(&mesh, "greeter").build();
    let app = routes::typed(greeter).fallback_service(gateway);
    let address = env::var("HTTP_LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let address: SocketAddr = address.parse().context("HTTP_LISTEN is no address")?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    gateway::serve(listener, app, shutdown_signal()).await?;
    Ok(())
}
