//! The old or the new side of every change that the test `evolution` makes, as a process.
//!
//! - `evolution serve <old|new> <deployment>`: serves each contract as this side has it; prints
//!   `serving <address>`.
//! - `evolution call <old|new> <deployment>`: calls each contract as this side has it; prints a line
//!   for each call, as [`report::line`] has it.
//! - `evolution load <old|new> <deployment>`: does so again and again, and prints `round <number>`
//!   after each time, until its standard input ends.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each side has a trait of its own, generated whole"
)]

mod change;
mod methods;
mod report;
mod types;

use std::{env, io::Read as _, process::exit, thread, time::Duration};

use anyhow::bail;
use change::{Change, Side};
use meshrpc::{Mesh, Server, shutdown_signal};
use report::{Log as _, LogClient, LogHandler, Received};

fn changes() -> Vec<Change> {
    types::changes()
        .into_iter()
        .chain(methods::changes())
        .collect()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    end_with_parent();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (verb, side, deployment) = match arguments[..] {
        [verb, "old", deployment] => (verb, Side::Old, deployment),
        [verb, "new", deployment] => (verb, Side::New, deployment),
        _ => bail!("expected `serve|call|load old|new <deployment>`"),
    };
    let mesh = Mesh::from_env().await?;
    match verb {
        "serve" => serve(&mesh, side, deployment).await,
        "call" => call(&mesh, side, deployment).await,
        "load" => {
            for round in 1_u64.. {
                call(&mesh, side, deployment).await?;
                println!("round {round}");
            }
            Ok(())
        }
        _ => bail!("expected `serve`, `call` or `load`"),
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

async fn serve(mesh: &Mesh, side: Side, deployment: &str) -> anyhow::Result<()> {
    let mut server = Server::builder().service(LogHandler::new(Received));
    for change in changes() {
        server = (change.side(side).serve)(server);
    }
    let stop = shutdown_signal();
    let serving = mesh.serve(deployment, server.build()).await?;
    println!("serving {}", serving.address());
    let drained = serving.until(stop).drain(Duration::from_secs(20)).await?;
    println!("cut {}", drained.cut);
    Ok(())
}

async fn call(mesh: &Mesh, side: Side, deployment: &str) -> anyhow::Result<()> {
    let log = LogClient::connect(mesh, deployment);
    log.take().await?;
    for change in changes() {
        for call in (change.side(side).call)(mesh, deployment, &log).await {
            println!("{}", report::line(change.name, &call));
        }
    }
    Ok(())
}
