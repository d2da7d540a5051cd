//! Large bodies and long streams.

use std::{
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{MIB, Sample, WARM_UP, small};
use crate::{
    stacks::{Caller, raw},
    tally::Tally,
};

/// One call that moves much.
pub(super) enum Transfer {
    Put(Bytes),
    Get(u64),
    Items(u64),
}

impl Transfer {
    /// What is counted of it, and how many of these one call moves.
    pub(super) fn amount(&self) -> (&'static str, u64) {
        match self {
            Self::Put(body) => ("bytes_per_s", body.len() as u64),
            Self::Get(size) => ("bytes_per_s", *size),
            Self::Items(count) => ("items_per_s", *count),
        }
    }
}

/// Makes a call, one at a time, for `time`.
pub(super) async fn repeat<C: Caller>(
    client: &C,
    transfer: &Transfer,
    time: Duration,
) -> Result<Tally> {
    let mut tally = Tally::begin();
    while tally.began.elapsed() < time {
        let sent = std::time::Instant::now();
        match transfer {
            Transfer::Put(body) => client.put(body.clone()).await?,
            Transfer::Get(size) => client.get(*size).await?,
            Transfer::Items(count) => {
                let items = client.items(*count);
                items.context("this stack has no streams")?.await?;
            }
        }
        tally.note(sent);
        tally.calls += 1;
    }
    tally.end();
    Ok(tally)
}

/// The same over a bare connection.
pub(super) async fn repeat_raw<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut raw::Connection<S>,
    transfer: &Transfer,
    time: Duration,
) -> Result<Tally> {
    let mut tally = Tally::begin();
    while tally.began.elapsed() < time {
        let sent = std::time::Instant::now();
        match transfer {
            Transfer::Put(body) => client.put(body).await?,
            Transfer::Get(size) => client.get(*size).await?,
            Transfer::Items(count) => client.items(*count).await?,
        }
        tally.note(sent);
        tally.calls += 1;
    }
    tally.end();
    Ok(tally)
}

/// Small calls beside large ones on one connection, after each of them alone for half as long.
pub(super) async fn beside<C: Caller>(client: &C, time: Duration) -> Result<Sample> {
    let transfer = Transfer::Put(Bytes::from(vec![7; 64 * MIB as usize]));
    let alone = std::slice::from_ref(client);
    small::echo(alone, 1, WARM_UP, 1).await?;
    let small_alone = small::echo(alone, 1, time / 2, 1).await?.histogram()?;
    repeat(client, &transfer, WARM_UP).await?;
    let bulk_alone = repeat(client, &transfer, time / 2).await?.rate();

    let over = Arc::new(AtomicBool::new(false));
    let calls = small::echo_one_by_one(client.clone(), 0, Arc::clone(&over), 1);
    let calls = tokio::spawn(calls);
    let bulk = repeat(client, &transfer, time).await?.rate();
    over.store(true, Ordering::Relaxed);
    let calls = calls.await??;
    let small = calls.histogram()?;
    let corrected = calls.corrected(small_alone.value_at_quantile(0.5))?;

    let micros = |nanos: u64| nanos as f64 / 1e3;
    let bytes = 64.0 * MIB as f64;
    let figures = [
        (
            "small_alone_p50_us",
            micros(small_alone.value_at_quantile(0.5)),
        ),
        (
            "small_alone_p99_us",
            micros(small_alone.value_at_quantile(0.99)),
        ),
        ("p50_us", micros(small.value_at_quantile(0.5))),
        ("p99_us", micros(small.value_at_quantile(0.99))),
        ("p999_us", micros(small.value_at_quantile(0.999))),
        (
            "p99_corrected_us",
            micros(corrected.value_at_quantile(0.99)),
        ),
        ("max_us", micros(small.max())),
        ("calls", small.len() as f64),
        ("bulk_alone_bytes_per_s", bulk_alone * bytes),
        ("bytes_per_s", bulk * bytes),
    ];
    Ok(figures
        .map(|(name, figure)| (name.to_owned(), figure))
        .into())
}
