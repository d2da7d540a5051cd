//! Small calls.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
};

use crate::{
    stacks::{Caller, raw},
    tally::Tally,
};

/// Echoes messages for `time`: each call is made by one of `in_flight` tasks, which take the
/// connections in turn. The latency of every `sample`th is noted.
pub(super) async fn echo<C: Caller>(
    clients: &[C],
    in_flight: usize,
    time: Duration,
    sample: u64,
) -> Result<Tally> {
    let over = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    let mut all = Tally::begin();
    for (client, first) in clients.iter().cycle().zip(0..in_flight as u64) {
        callers.spawn(echo_one_by_one(
            client.clone(),
            first,
            Arc::clone(&over),
            sample,
        ));
    }
    tokio::time::sleep(time).await;
    over.store(true, Ordering::Relaxed);
    while let Some(tally) = callers.join_next().await {
        all = all.join(tally??);
    }
    all.end();
    Ok(all)
}

/// Echoes messages, one after the other, until it is over.
pub(super) async fn echo_one_by_one<C: Caller>(
    client: C,
    first: u64,
    over: Arc<AtomicBool>,
    sample: u64,
) -> Result<Tally> {
    let mut tally = Tally::begin();
    while !over.load(Ordering::Relaxed) {
        let noted = (tally.calls.is_multiple_of(sample)).then(Instant::now);
        client.echo(first + tally.calls).await?;
        if let Some(sent) = noted {
            tally.note(sent);
        }
        tally.calls += 1;
    }
    tally.end();
    Ok(tally)
}

/// The same over bare connections, each with its share of the calls.
pub(super) async fn echo_raw<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    clients: Vec<raw::Connection<S>>,
    in_flight: usize,
    time: Duration,
    sample: u64,
) -> Result<(Tally, Vec<raw::Connection<S>>)> {
    let share = in_flight / clients.len().max(1);
    let mut callers = JoinSet::new();
    for mut client in clients {
        callers.spawn(async move {
            let tally = client.echo(share, time, sample).await?;
            anyhow::Ok((tally, client))
        });
    }
    let mut clients = Vec::new();
    let mut all: Option<Tally> = None;
    while let Some(ended) = callers.join_next().await {
        let (tally, client) = ended??;
        clients.push(client);
        all = Some(match all {
            Some(all) => all.join(tally),
            None => tally,
        });
    }
    Ok((all.context("no connection")?, clients))
}
