//! What two processes use while calls are made.

use anyhow::Result;

use super::{Sample, bulk::Transfer};
use crate::{
    allocations,
    message::Message,
    process::{Server, Usage},
    syscalls::Syscalls,
    tally::Tally,
};

/// Measures the server's process and this one.
pub(super) struct Meter {
    pub(super) server: Server,
    /// Whether system calls and allocations are counted.
    counted: bool,
    before: [Usage; 2],
    syscalls: Option<Syscalls>,
}

impl Meter {
    pub(super) fn new(server: Server, counted: bool) -> Self {
        Self {
            server,
            counted,
            before: Default::default(),
            syscalls: None,
        }
    }

    /// From now on.
    pub(super) fn begin(&mut self) -> Result<()> {
        if self.counted {
            self.server.count()?;
            allocations::count();
        }
        self.before = self.usage()?;
        if self.counted {
            let processes = [std::process::id(), self.server.id()];
            self.syscalls = Some(Syscalls::start(processes)?);
        }
        Ok(())
    }

    /// What was used, for each call.
    pub(super) fn end(&mut self, tally: &Tally) -> Result<Sample> {
        let syscalls = self.syscalls.take().map(Syscalls::stop).transpose()?;
        let [client, server] = self.usage()?;
        let [client_before, server_before] = self.before;
        let calls = tally.calls as f64;
        let latency = tally.histogram()?;
        let micros = |quantile| latency.value_at_quantile(quantile) as f64 / 1e3;
        let mut sample = Sample::from([
            ("calls_per_s".to_owned(), tally.rate()),
            ("p50_us".to_owned(), micros(0.5)),
            ("p99_us".to_owned(), micros(0.99)),
            ("p999_us".to_owned(), micros(0.999)),
            ("max_us".to_owned(), micros(1.0)),
            (
                "client_cpu_us".to_owned(),
                (client.cpu - client_before.cpu) / calls,
            ),
            (
                "server_cpu_us".to_owned(),
                (server.cpu - server_before.cpu) / calls,
            ),
            ("client_peak_kib".to_owned(), client.peak),
            ("server_peak_kib".to_owned(), server.peak),
        ]);
        if self.counted {
            let allocations = |after: Usage, before: Usage| {
                after.allocations.saturating_sub(before.allocations) as f64 / calls
            };
            let client = allocations(client, client_before);
            let server = allocations(server, server_before);
            sample.insert("client_allocations".to_owned(), client);
            sample.insert("server_allocations".to_owned(), server);
            let values = value_allocations()?;
            sample.insert("value_allocations".to_owned(), values);
            sample.insert("added_allocations".to_owned(), client + server - values);
        }
        if let Some(syscalls) = syscalls {
            sample.insert("syscalls".to_owned(), syscalls as f64 / calls);
        }
        Ok(sample)
    }

    /// What was used, and how much was moved.
    pub(super) fn end_transfer(&mut self, tally: &Tally, transfer: &Transfer) -> Result<Sample> {
        let mut sample = self.end(tally)?;
        let (name, amount) = transfer.amount();
        sample.insert(name.to_owned(), tally.rate() * amount as f64);
        Ok(sample)
    }

    /// The client's, and the server's.
    fn usage(&mut self) -> Result<[Usage; 2]> {
        let server = self.server.usage()?;
        Ok([Usage::read()?, server])
    }
}

/// What the values of one call take: the message is built and encoded, decoded by the server,
/// encoded and decoded again, into buffers that are there.
fn value_allocations() -> Result<f64> {
    let mut out = Vec::with_capacity(256);
    let rounds = 1000;
    let before = allocations::counted();
    for id in 0..rounds {
        out.clear();
        Message::new(id).encode(&mut out)?;
        let served = Message::decode(&out)?;
        out.clear();
        served.encode(&mut out)?;
        Message::decode(&out)?.check(id)?;
    }
    // Whatever else this process does meanwhile is less than one in a thousand.
    Ok((allocations::counted() - before) as f64 / rounds as f64)
}
