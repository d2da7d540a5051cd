//! Which calls a server takes, of those that it could serve.
//!
//! A call passes the gates of the whole server, of its client and of its contract. What no quota
//! limits has no gate, and costs nothing. Bytes are counted by the wire as they arrive, and only
//! those of a contract here, since the wire knows none.
//!
//! # Layout
//! - [`Quota`]: what some callers may use together
//! - `gate`: counts what is used of one

mod gate;
mod quota;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use self::gate::{By, Gate, Shed};
pub use self::quota::Quota;
use crate::{
    connection,
    error::Started,
    server::{Counters, Limits},
    wire::{ByteBudget, Peer, Reason, Retry, Status},
};

/// What sets the quota of all, of a client and of a contract.
const TOTAL: &str = "Limits::total";
const PER_PEER: &str = "Limits::per_peer";
const WITHIN: &str = "HandlerExt::within";

/// Which calls a server takes; one for all connections.
#[derive(Debug)]
pub(crate) struct Admission {
    total: Option<Arc<Gate>>,
    bytes: Arc<ByteBudget>,
    per_peer: Quota,
    peer_bytes: u64,
    /// The clients that are connected, by the name each gives itself.
    clients: Mutex<HashMap<Arc<str>, Weak<Client>>>,
    /// Connections that are open.
    pub(super) connections: AtomicUsize,
    counters: Arc<Counters>,
}

/// What one client uses, over all its connections.
#[derive(Debug)]
pub(crate) struct Client {
    gate: Option<Arc<Gate>>,
    pub(super) bytes: Arc<ByteBudget>,
}

/// What the calls of one contract use.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContractGate(Option<Arc<Gate>>);

/// A call's place within the quotas, which it leaves when this is dropped. Nothing where nothing
/// is limited.
#[derive(Default)]
pub(crate) struct Permit(Option<Box<Passed>>);

struct Passed {
    gates: [Option<Arc<Gate>>; 3],
    bytes: u64,
    since: Instant,
}

impl Admission {
    pub(crate) fn new(limits: &Limits, counters: Arc<Counters>, now: Instant) -> Self {
        let (total, peer_bytes) = limits.bytes();
        Self {
            total: gate(limits.total, "this server".to_owned(), TOTAL, now),
            bytes: ByteBudget::new(total, "this server holds", TOTAL),
            per_peer: limits.per_peer,
            peer_bytes,
            clients: Mutex::default(),
            connections: AtomicUsize::new(0),
            counters,
        }
    }

    /// The client that says it is `peer`.
    pub(crate) fn client(&self, peer: &Peer) -> Arc<Client> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&peer.name).and_then(Weak::upgrade) {
            return client;
        }
        if clients.len() == clients.capacity() {
            clients.retain(|_, client| client.strong_count() > 0);
        }
        let whose = format!("client `{}`", peer.name);
        let bytes = format!("{whose} may have this server hold");
        let client = Arc::new(Client {
            gate: gate(self.per_peer, whose, PER_PEER, connection::now()),
            bytes: self.bytes.part(self.peer_bytes, &bytes, PER_PEER),
        });
        clients.insert(Arc::clone(&peer.name), Arc::downgrade(&client));
        client
    }

    /// Lets a call of `bytes` pass, or says what its caller is told.
    pub(crate) fn enter(
        &self,
        client: &Client,
        contract: &ContractGate,
        bytes: usize,
    ) -> Result<Permit, Status> {
        let gates = [
            self.total.as_ref(),
            client.gate.as_ref(),
            contract.0.as_ref(),
        ];
        if gates.iter().all(Option::is_none) {
            return Ok(Permit::default());
        }
        let (bytes, now) = (bytes as u64, connection::now());
        for (at, gate) in gates.iter().enumerate() {
            if let Some(gate) = gate
                && let Err(shed) = gate.enter(bytes, now)
            {
                gates
                    .iter()
                    .take(at)
                    .flatten()
                    .for_each(|gate| gate.undo(bytes));
                return Err(self.refusal(shed));
            }
        }
        Ok(Permit(Some(Box::new(Passed {
            gates: gates.map(|gate| gate.cloned()),
            bytes,
            since: now,
        }))))
    }

    #[cold]
    fn refusal(&self, shed: Shed) -> Status {
        let counter = match shed.by {
            By::Calls => &self.counters.shed_by_calls,
            By::Rate => &self.counters.shed_by_rate,
            By::Bytes => &self.counters.shed_by_bytes,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let (reason, retry) = match shed.retry_after {
            Some(time) => (Reason::Overloaded, Retry::After(time)),
            None => (Reason::TooLarge, Retry::Never),
        };
        Status {
            retry,
            ..Status::refusal(reason, Started::No, shed.message)
        }
    }
}

impl ContractGate {
    pub(crate) fn new(quota: Quota, contract: &str, now: Instant) -> Self {
        Self(gate_of(
            quota,
            format!("contract `{contract}`"),
            WITHIN,
            now,
        ))
    }
}

/// The wire counts bytes itself.
fn gate(quota: Quota, whose: String, setting: &'static str, now: Instant) -> Option<Arc<Gate>> {
    let quota = Quota {
        bytes: None,
        ..quota
    };
    gate_of(quota, whose, setting, now)
}

fn gate_of(quota: Quota, whose: String, setting: &'static str, now: Instant) -> Option<Arc<Gate>> {
    (quota != Quota::new()).then(|| Arc::new(Gate::new(quota, whose, setting, now)))
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(passed) = self.0.take() {
            let took = connection::now().saturating_duration_since(passed.since);
            for gate in passed.gates.iter().flatten() {
                gate.leave(passed.bytes, took);
            }
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.0.is_some()).finish()
    }
}
