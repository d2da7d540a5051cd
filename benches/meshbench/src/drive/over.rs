//! Calls over connections that are there, through whatever is between.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Sample, Settings, Transfer, WARM_UP, bulk, small};
use crate::{
    stacks::{Caller, raw},
    tally::Tally,
    workload::Workload,
};

/// Takes a sample of calls that go one at a time.
pub async fn over<C: Caller>(client: &C, workload: Workload, time: Duration) -> Result<Sample> {
    let Some(transfer) = Settings::of(time).transfer(workload) else {
        let clients = std::slice::from_ref(client);
        small::echo(clients, 1, WARM_UP, 1).await?;
        return figures(&small::echo(clients, 1, time, 1).await?, None);
    };
    bulk::repeat(client, &transfer, WARM_UP).await?;
    let tally = bulk::repeat(client, &transfer, time).await?;
    figures(&tally, Some(&transfer))
}

/// The same without a stack. The connection is given back.
pub async fn over_raw<S>(
    client: raw::Connection<S>,
    workload: Workload,
    time: Duration,
) -> Result<(Sample, raw::Connection<S>)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some(transfer) = Settings::of(time).transfer(workload) else {
        let (_, clients) = small::echo_raw(vec![client], 1, WARM_UP, 1).await?;
        let (tally, mut clients) = small::echo_raw(clients, 1, time, 1).await?;
        let client = clients.pop().context("no connection")?;
        return Ok((figures(&tally, None)?, client));
    };
    let mut client = client;
    bulk::repeat_raw(&mut client, &transfer, WARM_UP).await?;
    let tally = bulk::repeat_raw(&mut client, &transfer, time).await?;
    Ok((figures(&tally, Some(&transfer))?, client))
}

impl Settings {
    fn of(time: Duration) -> Self {
        Self {
            time,
            counted: false,
            connections: None,
            in_flight: None,
            size: None,
            server_core: None,
        }
    }
}

fn figures(tally: &Tally, transfer: Option<&Transfer>) -> Result<Sample> {
    let latency = tally.histogram()?;
    let micros = |quantile| latency.value_at_quantile(quantile) as f64 / 1e3;
    let mut sample = Sample::from([
        ("p50_us".to_owned(), micros(0.5)),
        ("p99_us".to_owned(), micros(0.99)),
    ]);
    if let Some(transfer) = transfer {
        let (name, amount) = transfer.amount();
        sample.insert(name.to_owned(), tally.rate() * amount as f64);
    }
    Ok(sample)
}
