//! When to stop.

use std::{future::pending, io};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Resolves when the process is asked to stop: at SIGTERM or SIGINT. From its first poll on these
/// signals no longer end the process by themselves.
pub async fn shutdown_signal() {
    let terminate = listen(SignalKind::terminate());
    let interrupt = listen(SignalKind::interrupt());
    tokio::select! {
        () = received(terminate) => tracing::info!("SIGTERM: stopping"),
        () = received(interrupt) => tracing::info!("SIGINT: stopping"),
    }
}

fn listen(kind: SignalKind) -> io::Result<Signal> {
    signal(kind).inspect_err(|error| tracing::warn!(%error, "a signal cannot be listened for"))
}

async fn received(signal: io::Result<Signal>) {
    match signal {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => pending().await,
    }
}
