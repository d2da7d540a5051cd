//! The instances of a pool and what is to be done about each: decisions only, no I/O and no clock.
//!
//! Everything is keyed by instance, not by endpoint: an endpoint is a way to dial, and only the
//! handshake tells where it led.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    backoff::Backoff,
    snapshot::{MemberView, Snapshot, State},
};
use crate::{
    client::health::Ejections,
    discovery::{Endpoint, Endpoints, Via},
};

/// A connection that lived this long has proved its address: when it ends, back-off begins anew.
const STABLE: Duration = Duration::from_secs(10);

/// The instances of a pool; `C` is a handle on a connection.
#[derive(Debug)]
pub(crate) struct Members<C> {
    by_name: BTreeMap<Arc<str>, Member<C>>,
    ejections: Ejections,
    registry_live: bool,
    /// When the list became empty; set from the start, since nothing is known then.
    empty_since: Option<Instant>,
    /// The registry names a proxy that picks instances by itself.
    opaque: bool,
    last_dial: DialId,
    /// Of an instance that has not failed.
    backoff: Backoff,
}

/// One dial, and the connection that came of it. Never used again, so that what is reported late
/// about an older one is told apart.
pub(crate) type DialId = u64;

/// Who is expected where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) name: Arc<str>,
    pub(crate) endpoint: Endpoint,
    /// What the registry says of the boot; `None` if it knows addresses only, and then whoever
    /// answers is accepted under this name.
    pub(crate) epoch: Option<u64>,
}

/// What the driver has to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action<C> {
    /// Dial, and report to [`Members::connected`] or [`Members::dial_failed`].
    Dial(DialId, Target),
    /// Give this connection no new calls; it closes when those it has are done.
    Retire(C),
}

/// Who answered a dial.
#[derive(Clone, Debug)]
pub(crate) struct Answered<C> {
    pub(crate) connection: C,
    pub(crate) name: Arc<str>,
    pub(crate) epoch: u64,
}

#[derive(Debug)]
struct Member<C> {
    target: Target,
    lane: Option<Lane<C>>,
    dial: Dial,
    backoff: Backoff,
    /// Why the last dial or connection failed.
    trouble: Option<Arc<str>>,
}

#[derive(Debug)]
struct Lane<C> {
    id: DialId,
    connection: C,
    epoch: u64,
    since: Instant,
}

#[derive(Debug, PartialEq, Eq)]
enum Dial {
    /// None is needed.
    Idle,
    UnderWay(DialId),
    /// Until then.
    BackingOff(Instant),
}

impl<C: Clone> Members<C> {
    pub(crate) fn new(backoff: Backoff, now: Instant) -> Self {
        Self {
            by_name: BTreeMap::new(),
            ejections: Ejections::default(),
            registry_live: false,
            empty_since: Some(now),
            opaque: false,
            last_dial: 0,
            backoff,
        }
    }

    /// The registry's list changed. An instance that is new, restarted or moved is dialled at once,
    /// whatever it was backed off for.
    pub(crate) fn list(&mut self, endpoints: &Endpoints, now: Instant) -> Vec<Action<C>> {
        self.registry_live = endpoints.live;
        self.opaque = endpoints
            .ready
            .iter()
            .any(|endpoint| is_opaque(&endpoint.via));
        let mut listed: BTreeMap<Arc<str>, Target> = BTreeMap::new();
        for endpoint in endpoints
            .ready
            .iter()
            .filter(|endpoint| !is_opaque(&endpoint.via))
        {
            let target = Target::of(endpoint);
            listed.entry(Arc::clone(&target.name)).or_insert(target);
        }
        self.empty_since = match listed.is_empty() {
            true => self.empty_since.or(Some(now)),
            false => None,
        };

        let mut actions = Vec::new();
        let Self {
            by_name, ejections, ..
        } = self;
        by_name.retain(|name, member| {
            let stays = listed.contains_key(name);
            if !stays {
                ejections.forget(name);
                actions.extend(
                    member
                        .lane
                        .take()
                        .map(|lane| Action::Retire(lane.connection)),
                );
            }
            stays
        });
        for (name, target) in listed {
            match self.by_name.get_mut(&name) {
                Some(member) if member.target.same_boot(&target) => member.target = target,
                Some(member) => {
                    member.target = target;
                    member.backoff.reset();
                    self.ejections.forget(&name);
                    // The connection may already lead to the boot that the registry learned of now.
                    let known = member.target.epoch;
                    if member
                        .lane
                        .as_ref()
                        .is_none_or(|lane| Some(lane.epoch) != known)
                    {
                        actions.push(member.dial(&mut self.last_dial));
                    }
                }
                None => {
                    let mut member = Member::new(target, self.backoff.clone());
                    actions.push(member.dial(&mut self.last_dial));
                    self.by_name.insert(name, member);
                }
            }
        }
        self.ejections.keep_to_half(self.by_name.len(), now);
        actions
    }

    /// A dial and its handshake succeeded. `random` in 0..1 jitters a back-off.
    pub(crate) fn connected(
        &mut self,
        (id, name): (DialId, &str),
        answered: Answered<C>,
        now: Instant,
        random: f64,
    ) -> Vec<Action<C>> {
        let retire = Action::Retire(answered.connection.clone());
        let Some(member) = self.awaiting(id, name) else {
            return vec![retire];
        };
        if member.target.epoch.is_some() && *answered.name != *member.target.name {
            let trouble = format!(
                "{} was reused: `{}` answers there",
                member.target.endpoint.dial, answered.name
            );
            member.back_off(&trouble, now, random);
            return vec![retire];
        }
        member.dial = Dial::Idle;
        member.trouble = None;
        let Answered {
            connection, epoch, ..
        } = answered;
        let old = member.lane.replace(Lane {
            id,
            connection,
            epoch,
            since: now,
        });
        old.map(|old| Action::Retire(old.connection))
            .into_iter()
            .collect()
    }

    /// A dial or its handshake failed.
    pub(crate) fn dial_failed(
        &mut self,
        (id, name): (DialId, &str),
        trouble: &str,
        now: Instant,
        random: f64,
    ) {
        if let Some(member) = self.awaiting(id, name) {
            member.back_off(trouble, now, random);
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
        let Some(member) = self.by_name.get_mut(name) else {
            return;
        };
        let Some(lane) = member.lane.take_if(|lane| lane.id == id) else {
            return;
        };
        if member.dial != Dial::Idle {
            return;
        }
        if now.saturating_duration_since(lane.since) >= STABLE {
            member.backoff.reset();
        }
        // Not at once even then: everybody who was connected there has lost it at this moment.
        member.back_off(trouble, now, random);
    }

    /// Calls on the connection of dial `id` keep failing. `jitter` is in 0..1.
    pub(crate) fn suspect(
        &mut self,
        (id, name): (DialId, &str),
        now: Instant,
        jitter: f64,
    ) -> bool {
        let listed = self.by_name.len();
        let Some((name, member)) = self.by_name.get_key_value(name) else {
            return false;
        };
        member.lane.as_ref().is_some_and(|lane| lane.id == id)
            && self.ejections.eject(name, listed, now, jitter).is_some()
    }

    /// Dials whose back-off is over.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Action<C>> {
        let Self {
            by_name, last_dial, ..
        } = self;
        by_name
            .values_mut()
            .filter(|member| matches!(member.dial, Dial::BackingOff(until) if until <= now))
            .map(|member| member.dial(last_dial))
            .collect()
    }

    /// When [`due`](Self::due) has something, or an ejected instance returns.
    pub(crate) fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let dials = self
            .by_name
            .values()
            .filter_map(|member| match member.dial {
                Dial::BackingOff(until) => Some(until),
                _ => None,
            });
        dials.chain(self.ejections.next_return(now)).min()
    }

    /// What calls choose from.
    pub(crate) fn snapshot(&self, now: Instant) -> Snapshot<C> {
        let view = |(name, member): (&Arc<str>, &Member<C>)| MemberView {
            name: Arc::clone(name),
            weight: member.target.endpoint.weight,
            ejected: self.ejections.is_ejected(name, now),
            state: match (&member.lane, &member.dial) {
                (Some(lane), _) => State::Connected(lane.connection.clone()),
                (None, Dial::UnderWay(_)) => State::Dialling,
                // The first wait is so short that it is as good as a dial.
                (None, _) if member.backoff.is_first() => State::Dialling,
                (None, _) => State::BackingOff,
            },
            trouble: member.trouble.clone(),
        };
        let members = self.by_name.iter().map(view).collect();
        Snapshot::new(members, self.registry_live, self.empty_since, self.opaque)
    }

    /// The member that waits for dial `id`.
    fn awaiting(&mut self, id: DialId, name: &str) -> Option<&mut Member<C>> {
        self.by_name
            .get_mut(name)
            .filter(|member| member.dial == Dial::UnderWay(id))
    }
}

impl<C> Member<C> {
    fn new(target: Target, backoff: Backoff) -> Self {
        Self {
            target,
            lane: None,
            dial: Dial::Idle,
            backoff,
            trouble: None,
        }
    }

    fn dial(&mut self, last: &mut DialId) -> Action<C> {
        *last += 1;
        self.dial = Dial::UnderWay(*last);
        Action::Dial(*last, self.target.clone())
    }

    fn back_off(&mut self, trouble: &str, now: Instant, random: f64) {
        self.trouble = Some(trouble.into());
        self.dial = Dial::BackingOff(now + self.backoff.next(random));
    }
}

impl Target {
    fn of(endpoint: &Endpoint) -> Self {
        let (name, epoch) = match &endpoint.instance {
            // A list of addresses gives names of its own, and knows of no boots.
            Some(instance) => (
                Arc::clone(&instance.name),
                Some(instance.epoch).filter(|&epoch| epoch != 0),
            ),
            None => (endpoint.dial.to_string().into(), None),
        };
        Self {
            name,
            endpoint: endpoint.clone(),
            epoch,
        }
    }

    fn same_boot(&self, other: &Target) -> bool {
        self.epoch == other.epoch
            && self.endpoint.dial == other.endpoint.dial
            && self.endpoint.via == other.endpoint.via
    }
}

/// Whether one address leads to several instances.
fn is_opaque(via: &Via) -> bool {
    matches!(via, Via::Opaque { .. })
}
