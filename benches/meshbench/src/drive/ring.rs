//! Nested calls around five processes.

use anyhow::Result;
use meshrpc::Mesh;

use super::{Sample, Settings, WARM_UP};
use crate::{
    process::{Registry, Server},
    stacks::{
        Stack,
        ring::{Hop, RingClient, SERVICES},
    },
    tally::Tally,
};

/// Hops of one call.
const HOPS: u64 = 50;

pub(super) async fn drive(settings: Settings) -> Result<Sample> {
    let registry = Registry::new()?;
    let mut members = Vec::new();
    for (place, name) in SERVICES.into_iter().enumerate() {
        // Neighbours are on different cores.
        let core = settings.server_core.map(|core| (core + place) % 2);
        members.push(Server::start(Stack::Ring, &registry, name, core)?);
    }
    let mesh = Mesh::open(&format!("static:first={}", members[0].address)).await?;
    let client = RingClient::connect(&mesh, "first");
    client.wait_ready().await?;
    go(&client, WARM_UP).await?;
    let (tally, hop) = go(&client, settings.time).await?;
    Ok(Sample::from([
        ("hop_us".to_owned(), hop),
        ("calls_per_s".to_owned(), tally.rate()),
        ("hops".to_owned(), HOPS as f64),
    ]))
}

/// Also gives the time of a hop, one way: the median over the calls of each one's mean.
async fn go(client: &RingClient, time: std::time::Duration) -> Result<(Tally, f64)> {
    use crate::stacks::ring::Ring as _;
    let mut tally = Tally::begin();
    let mut hops = hdrhistogram::Histogram::<u64>::new(3)?;
    while tally.began.elapsed() < time {
        let hop = client.hop(Hop::new(HOPS)).await?;
        hops.record(hop.hop_latency / hop.hop_count.max(1))?;
        tally.calls += 1;
    }
    tally.end();
    Ok((tally, hops.value_at_quantile(0.5) as f64 / 1e3))
}
