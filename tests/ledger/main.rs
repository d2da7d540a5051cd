//! Serves `Ledger`, or calls it from a process of its own.
//!
//! - `ledger serve <deployment> <folder>`: keeps books in `folder`; prints `serving <address>`.
//! - `ledger ask <deployment> <session> <calls>`: prints which instance answers each call.
//! - `ledger sessions <deployment> <accounts>`: prints the instance of each account, and stays.

use std::{env, io::Read as _, path::Path, process::exit, sync::Arc, thread, time::Duration};

use anyhow::{Context as _, bail};
use meshrpc::{Call, Limits, Mesh, Server, shutdown_signal};
use meshrpc_tests::ledger::{Books, Ledger as _, LedgerClient, LedgerHandler};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    end_with_parent();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", deployment, folder] => serve(deployment, Path::new(folder)).await,
        ["ask", deployment, session, calls] => ask(deployment, session, calls.parse()?).await,
        ["sessions", deployment, accounts] => sessions(deployment, accounts.parse()?).await,
        _ => bail!("expected `serve`, `ask` or `sessions`, a deployment, and what belongs to it"),
    }
}

/// Whoever started this holds the other end of its standard input, and may be killed.
fn end_with_parent() {
    thread::spawn(|| {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
        exit(3);
    });
}

async fn serve(deployment: &str, folder: &Path) -> anyhow::Result<()> {
    let mesh = Arc::new(Mesh::from_env().await?);
    let name = env::var("MESHRPC_INSTANCE").context("MESHRPC_INSTANCE")?;
    let books = Books::open(Arc::clone(&mesh), name, folder)?;
    let counters = Arc::clone(&books.counters);
    let mut limits = Limits::default();
    if let Ok(streams) = env::var("LEDGER_STREAMS") {
        limits.max_streams = streams.parse()?;
    }
    let mut server = Server::builder()
        .service(LedgerHandler::new(books))
        .limits(limits);
    if env::var_os("LEDGER_PUBLIC").is_some() {
        server = server.insecure();
    }
    let server = server.build();
    let stop = shutdown_signal();
    let serving = mesh.serve(deployment, server).await?;
    counters.get_or_init(|| Arc::clone(serving.counters()));
    println!("serving {}", serving.address());
    let drained = serving.until(stop).drain(Duration::from_secs(20)).await?;
    println!("cut {}", drained.cut);
    Ok(())
}

async fn ask(deployment: &str, session: &str, calls: u32) -> anyhow::Result<()> {
    let mesh = Mesh::from_env().await?;
    let client = LedgerClient::connect(&mesh, deployment);
    client.wait_ready_all().await?;
    let client = client.with(Call::new().session(session));
    for _ in 0..calls {
        println!("{}", client.who().await?.name);
    }
    Ok(())
}

async fn sessions(deployment: &str, accounts: u64) -> anyhow::Result<()> {
    let mesh = Mesh::from_env().await?;
    let client = LedgerClient::connect(&mesh, deployment);
    client.wait_ready_all().await?;
    for account in 0..accounts {
        let name = client
            .book(account, &format!("account-{account}"))
            .await?
            .name;
        println!("{account} {name}");
    }
    println!("done");
    std::future::pending().await
}
