//! One sample: a stack, a workload, and two processes that did nothing before.

mod bulk;
mod idle;
mod meter;
mod over;
mod ring;
mod small;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, bail};
use bulk::Transfer;
use bytes::Bytes;
use meter::Meter;
pub use over::{over, over_raw};

use crate::{
    process::{Registry, Server},
    stacks::{Caller, Stack, floor, meshrpc, raw, tarpc, tonic},
    workload::Workload,
};

/// Figures by name.
pub type Sample = BTreeMap<String, f64>;

/// What is to be measured is done for so long before.
const WARM_UP: Duration = Duration::from_millis(200);
/// What the one service is called.
const SERVICE: &str = "bench";
const MIB: u64 = 1 << 20;
/// Items of one stream.
const ITEMS: u64 = 100_000;
/// Of calls that go side by side, the latency of one in so many is noted.
const SAMPLED: u64 = 16;

/// How a sample is taken.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long.
    pub time: Duration,
    /// Whether system calls and allocations are counted, which slows things down.
    pub counted: bool,
    /// Connections, where they are not the workload's own.
    pub connections: Option<usize>,
    /// Calls in flight, where they are not the workload's own.
    pub in_flight: Option<usize>,
    /// Bytes of a body, where they are not the workload's own.
    pub size: Option<u64>,
    /// The one core on which the server runs; this process's own is another one then.
    pub server_core: Option<usize>,
}

/// Takes a sample.
pub async fn drive(stack: Stack, workload: Workload, settings: Settings) -> Result<Sample> {
    if !workload.suits(stack) {
        bail!("{} is not for {}", workload.name(), stack.name());
    }
    match stack {
        Stack::Raw => drive_raw(workload, settings).await,
        Stack::Meshrpc => drive_caller::<meshrpc::Connection>(stack, workload, settings).await,
        Stack::Tonic => drive_caller::<tonic::Connection>(stack, workload, settings).await,
        Stack::Tarpc => drive_caller::<tarpc::Connection>(stack, workload, settings).await,
        Stack::Floor => drive_caller::<floor::Connection>(stack, workload, settings).await,
        Stack::Ring => ring::drive(settings).await,
    }
}

async fn drive_caller<C: Caller>(
    stack: Stack,
    workload: Workload,
    settings: Settings,
) -> Result<Sample> {
    let registry = Registry::new()?;
    let server = Server::start(stack, &registry, SERVICE, settings.server_core)?;
    let address = server.address;
    let mut clients = vec![C::connect(address).await?];
    let (connections, in_flight) = settings.load(workload);
    let mut meter = Meter::new(server, settings.counted);
    if workload.is_small() {
        while clients.len() < connections {
            clients.push(C::connect(address).await?);
        }
        let sample = sampled(in_flight);
        small::echo(&clients, in_flight, WARM_UP, sample).await?;
        meter.begin()?;
        let tally = small::echo(&clients, in_flight, settings.time, sample).await?;
        return meter.end(&tally);
    }
    let client = &clients[0];
    if let Some(transfer) = settings.transfer(workload) {
        bulk::repeat(client, &transfer, WARM_UP).await?;
        meter.begin()?;
        let tally = bulk::repeat(client, &transfer, settings.time).await?;
        return meter.end_transfer(&tally, &transfer);
    }
    match workload {
        Workload::W6 => bulk::beside(client, settings.time).await,
        _ => {
            let connect = || async move {
                let client = C::connect(address).await?;
                client.echo(0).await?;
                Ok(client)
            };
            idle::measure(meter, settings.connections, connect).await
        }
    }
}

async fn drive_raw(workload: Workload, settings: Settings) -> Result<Sample> {
    let registry = Registry::new()?;
    let server = Server::start(Stack::Raw, &registry, SERVICE, settings.server_core)?;
    let address = server.address;
    let (connections, in_flight) = settings.load(workload);
    let mut meter = Meter::new(server, settings.counted);
    if workload.is_small() {
        let mut clients = Vec::new();
        while clients.len() < connections {
            clients.push(raw::Connection::connect(address).await?);
        }
        let sample = sampled(in_flight);
        let (_, clients) = small::echo_raw(clients, in_flight, WARM_UP, sample).await?;
        meter.begin()?;
        let (tally, _) = small::echo_raw(clients, in_flight, settings.time, sample).await?;
        return meter.end(&tally);
    }
    if let Some(transfer) = settings.transfer(workload) {
        let mut client = raw::Connection::connect(address).await?;
        bulk::repeat_raw(&mut client, &transfer, WARM_UP).await?;
        meter.begin()?;
        let tally = bulk::repeat_raw(&mut client, &transfer, settings.time).await?;
        return meter.end_transfer(&tally, &transfer);
    }
    let connect = || async move {
        let mut client = raw::Connection::connect(address).await?;
        client.echo(1, Duration::ZERO, 1).await?;
        Ok(client)
    };
    idle::measure(meter, settings.connections, connect).await
}

impl Settings {
    fn load(&self, workload: Workload) -> (usize, usize) {
        let (connections, in_flight) = workload.load();
        let connections = self.connections.unwrap_or(connections);
        (connections, self.in_flight.unwrap_or(in_flight))
    }

    fn transfer(&self, workload: Workload) -> Option<Transfer> {
        Some(match workload {
            Workload::W4 => {
                let size = self.size.unwrap_or(MIB);
                Transfer::Put(Bytes::from(vec![7; size as usize]))
            }
            Workload::W5 => Transfer::Get(self.size.unwrap_or(64 * MIB)),
            Workload::W8 => Transfer::Items(ITEMS),
            _ => return None,
        })
    }
}

fn sampled(in_flight: usize) -> u64 {
    if in_flight == 1 { 1 } else { SAMPLED }
}
