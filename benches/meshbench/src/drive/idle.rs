//! Connections that do nothing.

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Meter, Sample};
use crate::process::Usage;

/// Connections, where nothing else is said.
const CONNECTIONS: usize = 2000;
/// Connections that are made at one time.
const AT_ONCE: usize = 32;

/// What a connection costs either side in resident memory, once it has carried a call,
/// which `connect` makes.
pub(super) async fn measure<F: Future<Output = Result<T>>, T>(
    mut meter: Meter,
    connections: Option<usize>,
    connect: impl Fn() -> F,
) -> Result<Sample> {
    // What is there once, however many connections there are.
    let _first = open(AT_ONCE, &connect).await?;
    let server_before = meter.server.usage()?;
    let client_before = Usage::read()?;
    let connections = connections.unwrap_or(CONNECTIONS);
    let opened = open(connections, &connect).await?;
    let server = meter.server.usage()?;
    let client = Usage::read()?;
    drop(opened);
    let each = |after: f64, before: f64| (after - before) / connections as f64;
    Ok(Sample::from([
        (
            "server_kib".to_owned(),
            each(server.resident, server_before.resident),
        ),
        (
            "client_kib".to_owned(),
            each(client.resident, client_before.resident),
        ),
        ("server_resident_kib".to_owned(), server.resident),
        ("connections".to_owned(), connections as f64),
    ]))
}

async fn open<F: Future<Output = Result<T>>, T>(
    connections: usize,
    connect: &impl Fn() -> F,
) -> Result<Vec<T>> {
    stream::iter(0..connections)
        .map(|_| connect())
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}
