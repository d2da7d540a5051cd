//! What follows of a change of the registry's list.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use super::{
    Action, Answered, Members, Way,
    member::{Dial, Direct, Member},
    proxy::Proxy,
};
use crate::{
    client::{
        balance::subset,
        pool::{snapshot::Registry, trouble::Trouble},
    },
    discovery::{Address, Endpoint, Endpoints, Instance, Via},
};

/// What the list says of one instance.
struct Listed {
    epoch: Option<u64>,
    weight: u32,
    /// Its own address.
    direct: Option<Endpoint>,
    proxies: BTreeSet<Address>,
}

impl<C: Clone> Members<C> {
    /// The registry's list changed. An instance that is new, restarted or moved is dialled at once,
    /// whatever it was backed off for; one behind a proxy is searched for.
    pub(crate) fn list(&mut self, endpoints: &Endpoints, now: Instant) -> Vec<Action<C>> {
        self.registry = Registry {
            live: endpoints.live,
            trouble: endpoints.trouble.as_deref().map(Trouble::explained),
        };
        let listed = listed(&endpoints.ready);
        self.empty_since = match listed.is_empty() {
            true => self.empty_since.or(Some(now)),
            false => None,
        };
        let mut actions = self.drop_unlisted(&listed);
        let mut news = BTreeSet::new();
        for (name, listed) in &listed {
            if self.update(name, listed) {
                news.extend(listed.proxies.iter().cloned());
            }
        }
        actions.extend(self.choose());
        self.list_proxies(endpoints, &listed, &news);
        actions.extend(self.adopt(now));
        self.ejections.keep_to_half(self.sought(), now);
        actions.extend(self.due(now));
        actions
    }

    /// Instances that left get no calls, and may finish those they have.
    fn drop_unlisted(&mut self, listed: &BTreeMap<Arc<str>, Listed>) -> Vec<Action<C>> {
        let mut actions = Vec::new();
        let Self {
            by_name,
            ejections,
            dials,
            ..
        } = self;
        by_name.retain(|name, member| {
            let stays = listed.contains_key(name);
            if !stays {
                ejections.forget(name);
                dials.retain(|_, way| *way != Way::Direct(Arc::clone(name)));
                actions.extend(member.retire_all());
            }
            stays
        });
        actions
    }

    /// Notes what the list says of `name`; true if a connection that it has, or a dial that is under
    /// way, may lead to something else than what it says.
    fn update(&mut self, name: &Arc<str>, listed: &Listed) -> bool {
        let is_new = !self.by_name.contains_key(name);
        let member = self
            .by_name
            .entry(Arc::clone(name))
            .or_insert_with(Member::new);
        member.weight = listed.weight;
        let new_boot = member.epoch != listed.epoch;
        member.epoch = listed.epoch;
        let moved = match (&mut member.direct, &listed.direct) {
            (None, None) => false,
            (Some(direct), Some(endpoint)) if direct.leads_where(endpoint) => {
                direct.endpoint = endpoint.clone();
                false
            }
            (direct, endpoint) => {
                let backoff = self.terms.backoff.clone();
                *direct = endpoint
                    .clone()
                    .map(|endpoint| Direct::new(endpoint, backoff));
                true
            }
        };
        if !is_new && (new_boot || moved) {
            self.ejections.forget(name);
            self.dials
                .retain(|_, way| *way != Way::Direct(Arc::clone(name)));
            if let Some(direct) = &mut member.direct {
                direct.dial = Dial::Idle;
                direct.backoff.reset();
                direct.explanation = None;
            }
        }
        is_new || new_boot || moved
    }

    /// Chooses this client's subset anew.
    fn choose(&mut self) -> Vec<Action<C>> {
        let names: Vec<Arc<str>> = self.by_name.keys().cloned().collect();
        let chosen = subset(self.terms.identity, &names, self.terms.subset());
        let chosen: BTreeSet<&Arc<str>> = chosen.into_iter().map(|index| &names[index]).collect();
        let mut actions = Vec::new();
        for (name, member) in &mut self.by_name {
            let was = member.chosen;
            member.chosen = chosen.contains(name);
            if member.chosen && member.wanted {
                member.wanted = false;
                member.interest.take();
            }
            if was && !member.chosen {
                actions.extend(member.retire_all());
            }
        }
        actions
    }

    /// Notes who is listed behind which proxy. `news`: proxies with an instance of which something
    /// new was learned.
    fn list_proxies(
        &mut self,
        endpoints: &Endpoints,
        listed: &BTreeMap<Arc<str>, Listed>,
        news: &BTreeSet<Address>,
    ) {
        let connections = self.terms.connections();
        let mut proxies = std::mem::take(&mut self.proxies);
        for endpoint in endpoints.ready.iter().filter(|e| is_opaque(&e.via)) {
            let address = &endpoint.dial;
            if self.proxies.contains_key(address) {
                // Listed twice: who is behind it was added up.
                continue;
            }
            let mut proxy = proxies
                .remove(address)
                .unwrap_or_else(|| Proxy::new(endpoint.clone(), connections));
            proxy.endpoint = endpoint.clone();
            let behind = listed
                .iter()
                .filter(|(_, listed)| listed.proxies.contains(address));
            let expected: BTreeSet<_> = behind.map(|(name, _)| Arc::clone(name)).collect();
            let changed = proxy.expected != expected;
            proxy.expected = expected;
            if changed || news.contains(address) {
                proxy.news();
            }
            self.proxies.insert(address.clone(), proxy);
        }
        let gone = proxies.into_keys().map(Way::Proxy);
        let gone: Vec<Way> = gone.collect();
        self.dials.retain(|_, way| !gone.contains(way));
    }

    /// Takes up connections to instances that were met before they were listed.
    fn adopt(&mut self, now: Instant) -> Vec<Action<C>> {
        let by_name = &self.by_name;
        let (now_listed, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.unlisted)
            .into_iter()
            .partition(|(_, name)| by_name.contains_key(name));
        self.unlisted = kept;
        let mut actions = Vec::new();
        for (lane, name) in now_listed {
            let answered = Answered {
                connection: lane.connection,
                name,
                epoch: lane.epoch,
            };
            actions.extend(self.met(lane.id, answered, now));
        }
        actions
    }
}

/// The instances of a list by name. Of two boots of one instance the later one counts.
fn listed(ready: &[Endpoint]) -> BTreeMap<Arc<str>, Listed> {
    let mut all: BTreeMap<Arc<str>, Listed> = BTreeMap::new();
    let mut add = |name: Arc<str>, epoch: Option<u64>, endpoint: &Endpoint| {
        let listed = all.entry(name).or_insert_with(|| Listed {
            epoch,
            weight: endpoint.weight,
            direct: None,
            proxies: BTreeSet::new(),
        });
        let later = epoch > listed.epoch;
        listed.epoch = listed.epoch.max(epoch);
        if is_opaque(&endpoint.via) {
            listed.proxies.insert(endpoint.dial.clone());
        } else if later || listed.direct.is_none() {
            listed.direct = Some(endpoint.clone());
        }
    };
    let known = |instance: &Instance| {
        // A list of addresses gives names of its own, and knows of no boots.
        let epoch = Some(instance.epoch).filter(|&epoch| epoch != 0);
        (Arc::clone(&instance.name), epoch)
    };
    for endpoint in ready {
        match (&endpoint.via, &endpoint.instance) {
            (Via::Opaque { expected }, _) => {
                for (name, epoch) in expected.iter().map(known) {
                    add(name, epoch, endpoint);
                }
            }
            (_, Some(instance)) => {
                let (name, epoch) = known(instance);
                add(name, epoch, endpoint);
            }
            (_, None) => add(endpoint.dial.to_string().into(), None, endpoint),
        }
    }
    all
}

/// Whether one address leads to several instances.
fn is_opaque(via: &Via) -> bool {
    matches!(via, Via::Opaque { .. })
}
