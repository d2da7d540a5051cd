//! How the clients of a network get their connections, and what holds for them.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::Ordering},
};

use tokio::sync::watch;

use super::{
    fault::Fault,
    link::{End, Link, Tally},
};
use crate::{
    client::{Connect, establish},
    connection::Connection,
    discovery::{Address, BoxFuture, Endpoint},
    error::Error,
    mesh::in_process::InProcess,
    transport,
    wire::Config,
};

/// Dials, with faults in between.
#[derive(Debug)]
pub(super) struct Wiring {
    /// Knows who listens where.
    registry: InProcess,
    state: Mutex<State>,
    barrier: watch::Sender<Barrier>,
    pub(super) tally: Arc<Tally>,
}

#[derive(Debug, Default)]
struct State {
    plans: Vec<Plan>,
    refusals: u64,
    connections: u64,
    links: Vec<Weak<Mutex<Link>>>,
}

/// A fault that connections get when they are made.
#[derive(Debug)]
struct Plan {
    fault: Fault,
    /// Connections that it concerned but for their number.
    seen: u64,
}

/// Instances that cannot be reached.
#[derive(Debug, Default)]
struct Barrier {
    all: bool,
    isolated: BTreeSet<String>,
}

impl Wiring {
    pub(super) fn new(registry: InProcess) -> Self {
        Self {
            registry,
            state: Mutex::default(),
            barrier: watch::Sender::default(),
            tally: Arc::default(),
        }
    }

    pub(super) fn inject(&self, fault: Fault) {
        self.state().plans.push(Plan { fault, seen: 0 });
    }

    /// Changes every connection that is open.
    pub(super) fn each_open(&self, mut change: impl FnMut(&mut Link)) {
        let links: Vec<_> = self
            .state()
            .links
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        for link in links {
            change(&mut link.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    pub(super) fn refuse_next(&self, dials: u64) {
        let mut state = self.state();
        state.refusals = state.refusals.saturating_add(dials);
    }

    /// Cuts off this instance, or all of them.
    pub(super) fn cut_off(&self, instance: Option<&str>) {
        self.barrier.send_modify(|barrier| match instance {
            Some(instance) => {
                barrier.isolated.insert(instance.to_owned());
            }
            None => barrier.all = true,
        });
        self.each_open(|link| {
            if self.barrier.borrow().holds(&link.instance) {
                link.hold(true);
            }
        });
    }

    pub(super) fn heal(&self) {
        {
            let mut state = self.state();
            state.plans.clear();
            state.refusals = 0;
        }
        self.barrier.send_replace(Barrier::default());
        self.each_open(Link::heal);
    }

    /// Connections made so far.
    pub(super) fn connections(&self) -> u64 {
        self.state().connections
    }

    async fn dial(&self, address: &Address) -> io::Result<End> {
        let instance = match self.registry.instance_at(address) {
            Some(instance) => instance,
            None => address.to_string().into(),
        };
        let mut barrier = self.barrier.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = barrier.wait_for(|barrier| !barrier.holds(&instance)).await;
        if self.refuses() {
            self.tally.struck.fetch_add(1, Ordering::Relaxed);
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let io = transport::dial(address).await?;
        let mut link = Link::new(io, instance, Arc::clone(&self.tally));
        let mut state = self.state();
        state.connections += 1;
        for plan in &mut state.plans {
            if plan.fault.concerns(&link.instance) {
                plan.seen += 1;
                if plan
                    .fault
                    .connection
                    .is_none_or(|number| number == plan.seen)
                {
                    link.add(&plan.fault);
                }
            }
        }
        if self.barrier.borrow().holds(&link.instance) {
            link.hold(true);
        }
        let link = Arc::new(Mutex::new(link));
        state.links.retain(|link| link.strong_count() > 0);
        state.links.push(Arc::downgrade(&link));
        Ok(End(link))
    }

    /// Whether the next dial is to be refused; counts it.
    fn refuses(&self) -> bool {
        let mut state = self.state();
        let refuses = state.refusals > 0;
        state.refusals = state.refusals.saturating_sub(1);
        refuses
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Barrier {
    fn holds(&self, instance: &str) -> bool {
        self.all || self.isolated.contains(instance)
    }
}

impl Connect for Wiring {
    fn connect<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        config: Arc<Config>,
    ) -> BoxFuture<'a, Result<Connection, Error>> {
        let address = &endpoint.dial;
        Box::pin(establish(address, self.dial(address), config))
    }
}
