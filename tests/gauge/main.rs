//! Serves `Gauge`, from a program that knows of no runtime.
//!
//! - `gauge serve <deployment> <folder>`: prints `serving <address>`.

use std::{env, io::Read as _, process::exit, sync::Arc, thread, time::Duration};

use anyhow::bail;
use meshrpc::{Mesh, Server, shutdown_signal};
use meshrpc_tests::gauge::{Dial, GaugeHandler};

fn main() -> anyhow::Result<()> {
    end_with_parent();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [verb, deployment, folder] = arguments.as_slice() else {
        bail!("expected `serve <deployment> <folder>`");
    };
    anyhow::ensure!(verb == "serve", "unknown: {verb}");
    let mesh = Arc::new(Mesh::from_env_blocking()?);
    let dial = Dial::new(Arc::clone(&mesh), folder.into());
    let server = Server::builder().service(GaugeHandler::new(dial)).build();
    let drained = meshrpc::block_on(async {
        let stop = shutdown_signal();
        let serving = mesh.serve(deployment, server).await?;
        println!("serving {}", serving.address());
        serving.until(stop).drain(Duration::from_secs(20)).await
    })?;
    println!("cut {}", drained.cut);
    Ok(())
}

/// Whoever started this holds the other end of its standard input, and may be killed.
fn end_with_parent() {
    thread::spawn(|| {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
        exit(3);
    });
}
