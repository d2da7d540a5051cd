//! The instances of a pool and what is to be done about each: decisions only, no I/O and no clock.
//!
//! Everything is keyed by instance, not by endpoint: an endpoint is a way to dial, and only the
//! handshake tells where it led. An instance with an address of its own is dialled there
//! ([`member`]); one that is listed behind an opaque proxy is met through it, sooner or later
//! ([`proxy`]).

mod arrivals;
mod list;
mod member;
mod proxy;
mod view;

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

pub(crate) use member::Interest;
use member::{Lane, Member};
use proxy::{Proxy, Search};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{backoff::Backoff, counters::Counters, snapshot::Registry, trouble::Trouble};
use crate::{
    client::{balance::Balancing, health::Ejections},
    discovery::{Address, Endpoint, Via},
    error::Kind,
};

/// How long an instance outside of the subset stays connected without calls of its sessions, at
/// least; twice this time at most.
const SWEEP: Duration = Duration::from_secs(300);

/// The instances of a pool; `C` is a handle on a connection.
#[derive(Debug)]
pub(crate) struct Members<C> {
    by_name: BTreeMap<Arc<str>, Member<C>>,
    proxies: BTreeMap<Address, Proxy>,
    /// Connections to instances that are not listed, or not yet. They are not called.
    unlisted: Vec<(Lane<C>, Arc<str>)>,
    /// Those under way that are still of use.
    dials: BTreeMap<DialId, Way>,
    ejections: Ejections,
    registry: Registry,
    /// When the list became empty; set from the start, since nothing is known then.
    empty_since: Option<Instant>,
    last_dial: DialId,
    /// When it was last looked for instances that no session wants any more.
    swept: Instant,
    terms: Terms,
}

/// What holds for a pool as long as it lives.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// Of an instance that has not failed.
    pub(crate) backoff: Backoff,
    pub(crate) balancing: Balancing,
    /// Tells this client from others: a random number.
    pub(crate) identity: u64,
    pub(crate) counters: Arc<Counters>,
}

/// One dial, and the connection that came of it. Never used again, so that what is reported late
/// about an older one is told apart.
pub(crate) type DialId = u64;

/// Whom a dial is for, or why one failed is asked of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The instance of this name.
    Direct(Arc<str>),
    /// Whoever the proxy at this address picks.
    Proxy(Address),
}

/// What to dial.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    /// The name under which whoever answers is called; `None` if it is its own.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) endpoint: Endpoint,
}

/// What the driver has to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action<C> {
    /// Dial, and report to [`Members::connected`] or [`Members::dial_failed`].
    Dial(DialId, Target),
    /// Give this connection no new calls; it closes when those it has are done.
    Retire(C),
    /// Ask the resolver why a dial failed, and report to [`Members::explained`].
    Explain(Way, Endpoint),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.endpoint.dial),
        }
    }
}

/// Who answered a dial.
#[derive(Clone, Debug)]
pub(crate) struct Answered<C> {
    pub(crate) connection: C,
    pub(crate) name: Arc<str>,
    pub(crate) epoch: u64,
}

impl<C: Clone> Members<C> {
    pub(crate) fn new(terms: Terms, now: Instant) -> Self {
        Self {
            by_name: BTreeMap::new(),
            proxies: BTreeMap::new(),
            unlisted: Vec::new(),
            dials: BTreeMap::new(),
            ejections: Ejections::default(),
            registry: Registry::default(),
            empty_since: Some(now),
            last_dial: 0,
            swept: now,
            terms,
        }
    }

    /// A dial or its handshake failed.
    pub(crate) fn dial_failed(
        &mut self,
        id: DialId,
        trouble: Trouble,
        now: Instant,
        random: f64,
    ) -> Option<Action<C>> {
        let way = self.dials.remove(&id)?;
        Counters::count(&self.terms.counters.failed_dials);
        // What a dial tells by itself needs no explanation.
        let unclear = trouble.kind == Kind::Unavailable;
        let (asking, endpoint) = match &way {
            Way::Direct(name) => {
                let member = self.by_name.get_mut(name)?;
                member.trouble = Some(trouble);
                let direct = member.direct.as_mut()?;
                direct.back_off(now, random);
                (&mut direct.asking, &direct.endpoint)
            }
            Way::Proxy(address) => {
                let alone = self.search(self.proxies.get(address)?).alone;
                let proxy = self.proxies.get_mut(address)?;
                proxy.failed(trouble, alone, now, random);
                (&mut proxy.asking, &proxy.endpoint)
            }
        };
        if endpoint.via == Via::Direct || !unclear || *asking {
            return None;
        }
        *asking = true;
        Counters::count(&self.terms.counters.questions);
        Some(Action::Explain(way, endpoint.clone()))
    }

    /// The resolver answered why dials of `way` fail.
    pub(crate) fn explained(&mut self, way: &Way, explanation: Option<Trouble>) {
        match way {
            Way::Direct(name) => {
                if let Some(direct) = self.by_name.get_mut(name).and_then(|m| m.direct.as_mut()) {
                    direct.explained(explanation);
                }
            }
            Way::Proxy(address) => {
                if let Some(proxy) = self.proxies.get_mut(address) {
                    proxy.explained(explanation);
                }
            }
        }
    }

    /// The connection of dial `id` takes no new calls any more: its peer goes away, or it is gone.
    pub(crate) fn closing(
        &mut self,
        (id, name): (DialId, &str),
        trouble: &str,
        now: Instant,
        random: f64,
    ) {
        self.unlisted.retain(|(lane, _)| lane.id != id);
        let Some(member) = self.by_name.get_mut(name) else {
            return;
        };
        let Some(at) = member.lanes.iter().position(|lane| lane.id == id) else {
            return;
        };
        let proved = member.lanes.remove(at).proved(now);
        Counters::count(&self.terms.counters.lost);
        member.trouble = Some(trouble.into());
        member.lost(proved, now, random);
        let renews = proved && member.is_sought();
        let concerned: Vec<(Address, bool)> = self
            .proxies
            .iter()
            .filter(|(_, proxy)| proxy.expected.contains(name))
            .map(|(address, proxy)| (address.clone(), self.search(proxy).alone))
            .collect();
        for (address, alone) in concerned {
            if let Some(proxy) = self.proxies.get_mut(&address) {
                proxy.lost(renews, alone, now, random);
            }
        }
    }

    /// Calls on the connection of dial `id` keep failing. `jitter` is in 0..1.
    pub(crate) fn suspect(
        &mut self,
        (id, name): (DialId, &str),
        now: Instant,
        jitter: f64,
    ) -> bool {
        let sought = self.sought();
        let Some((name, member)) = self.by_name.get_key_value(name) else {
            return false;
        };
        member.lanes.iter().any(|lane| lane.id == id)
            && self.ejections.eject(name, sought, now, jitter).is_some()
    }

    /// Calls of a session belong to `name`, which is outside of the subset.
    pub(crate) fn want(&mut self, name: &str, now: Instant) -> Vec<Action<C>> {
        if self.by_name.values().all(|member| !member.wanted) {
            self.swept = now;
        }
        match self.by_name.get_mut(name) {
            Some(member) if !member.is_sought() => member.wanted = true,
            Some(member) => {
                member.interest.take();
                return Vec::new();
            }
            None => return Vec::new(),
        }
        self.renew_proxies_of(name);
        self.due(now)
    }

    /// What is to be done by now: dials whose time has come, and connections whose time is over.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Action<C>> {
        let mut actions = self.expire(now);
        let Self {
            by_name,
            dials,
            last_dial,
            terms,
            ..
        } = self;
        for (name, member) in by_name.iter_mut() {
            let next = member.next_dial(terms.connections(), now);
            if next.is_some_and(|next| next <= now) {
                *last_dial += 1;
                dials.insert(*last_dial, Way::Direct(Arc::clone(name)));
                actions.extend(member.dial(name, *last_dial));
            }
        }
        let due: Vec<Address> = self
            .proxies
            .iter()
            .filter(|(_, proxy)| self.next_dial(proxy, now).is_some_and(|next| next <= now))
            .map(|(address, _)| address.clone())
            .collect();
        for address in due {
            if let Some(proxy) = self.proxies.get_mut(&address) {
                self.last_dial += 1;
                actions.push(proxy.dial(self.last_dial, now));
                self.dials.insert(self.last_dial, Way::Proxy(address));
            }
        }
        let dials = |action: &&Action<C>| matches!(action, Action::Dial(..));
        for _ in actions.iter().filter(dials) {
            Counters::count(&self.terms.counters.dials);
        }
        actions
    }

    /// When [`due`](Self::due) has something, or an ejected instance returns.
    pub(crate) fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let members = self.by_name.values();
        let dials = members
            .clone()
            .filter_map(|member| member.next_dial(self.terms.connections(), now));
        let searches = self
            .proxies
            .values()
            .filter_map(|proxy| self.next_dial(proxy, now));
        let kept = self.unlisted.iter().filter_map(|(lane, _)| lane.until);
        let lanes = members.clone().flat_map(|member| &member.lanes);
        let ages = lanes
            .filter(|lane| !lane.aged)
            .filter_map(|lane| lane.until);
        let mut wanted = members.filter(|member| member.wanted);
        let sweep = wanted.next().map(|_| self.swept + SWEEP);
        dials
            .chain(searches)
            .chain(kept)
            .chain(ages)
            .chain(sweep)
            .chain(self.ejections.next_return(now))
            .min()
    }

    /// Ends what was kept for a time that is over, and marks connections that have their age.
    fn expire(&mut self, now: Instant) -> Vec<Action<C>> {
        let over = |until: Option<Instant>| until.is_some_and(|until| until <= now);
        let (gone, kept) = std::mem::take(&mut self.unlisted)
            .into_iter()
            .partition(|(lane, _)| over(lane.until));
        self.unlisted = kept;
        let retire = |(lane, _): (Lane<C>, _)| Action::Retire(lane.connection);
        let mut actions: Vec<_> = Vec::from_iter(gone).into_iter().map(retire).collect();
        let mut aged = Vec::new();
        let sweep = self.swept + SWEEP <= now;
        for (name, member) in &mut self.by_name {
            let lanes = member.lanes.iter_mut();
            for lane in lanes.filter(|lane| !lane.aged && over(lane.until)) {
                lane.aged = true;
                aged.push(Arc::clone(name));
            }
            if sweep && member.wanted && !member.interest.take() {
                member.wanted = false;
                actions.extend(member.retire_all());
            }
        }
        if sweep {
            self.swept = now;
        }
        for name in aged {
            self.renew_proxies_of(&name);
        }
        actions
    }

    fn renew_proxies_of(&mut self, name: &str) {
        let proxies = self.proxies.values_mut();
        proxies
            .filter(|proxy| proxy.expected.contains(name))
            .for_each(Proxy::renew);
    }

    fn next_dial(&self, proxy: &Proxy, now: Instant) -> Option<Instant> {
        proxy.next_dial(self.search(proxy), now, |id| self.terms.jitter(id))
    }

    /// What is missing behind a proxy.
    fn search(&self, proxy: &Proxy) -> Search {
        let members = || {
            proxy
                .expected
                .iter()
                .filter_map(|name| self.by_name.get(name))
        };
        let sought = members().filter(|member| member.is_sought() && member.direct.is_none());
        let connections = self.terms.connections();
        Search {
            missing: sought
                .map(|member| connections.saturating_sub(member.fresh()))
                .sum(),
            alone: members().all(|member| member.lanes.is_empty()),
        }
    }

    /// Instances that connections are made to.
    fn sought(&self) -> usize {
        let members = self.by_name.values();
        members.filter(|member| member.is_sought()).count()
    }
}

impl Terms {
    fn connections(&self) -> usize {
        self.balancing.connections.max(1)
    }

    fn subset(&self) -> usize {
        self.balancing.subset.max(1)
    }

    fn lane<C>(&self, id: DialId, connection: C, epoch: u64, now: Instant) -> Lane<C> {
        let age = self.balancing.max_age;
        let until = age.and_then(|age| now.checked_add(age.mul_f64(0.9 + self.jitter(id) / 5.0)));
        Lane {
            id,
            connection,
            epoch,
            since: now,
            until,
            aged: false,
        }
    }

    /// A number in 0..1 for a dial.
    fn jitter(&self, id: DialId) -> f64 {
        let hash = xxh3_64_with_seed(&id.to_le_bytes(), self.identity);
        // The 53 bits of a float.
        (hash >> 11) as f64 / (1_u64 << 53) as f64
    }
}
