//! When to stop.

use std::{
    future::{Future, pending},
    io,
};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Resolves when the process is asked to stop: at SIGTERM or SIGINT. From this call on, these
/// signals no longer end the process by themselves.
///
/// # Panics
/// Outside of a tokio runtime with I/O enabled.
pub fn shutdown_signal() -> impl Future<Output = ()> + Send {
    let terminate = listen(SignalKind::terminate());
    let interrupt = listen(SignalKind::interrupt());
    async {
        tokio::select! {
            () = received(terminate) => tracing::info!("SIGTERM: stopping"),
            () = received(interrupt) => tracing::info!("SIGINT: stopping"),
        }
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
