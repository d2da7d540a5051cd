//! What calls choose an instance from.

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{members::Interest, trouble::Trouble};
use crate::client::balance::{Rotation, Schedule, ranked, score, winner};

/// How long a list may be empty before calls are refused at once. It covers the moment between a
/// server's start and the registry's news of it, and a restart of the only instance.
const EMPTY_GRACE: Duration = Duration::from_secs(1);
/// The same while the registry cannot be asked.
const UNKNOWN_GRACE: Duration = Duration::from_secs(5);
/// Instances whose trouble a message tells at most.
const TOLD: usize = 8;

/// The instances of a pool at one time, in the order of their names.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot<C> {
    members: Vec<MemberView<C>>,
    /// Connected members that calls without a session go to, by index; ejected ones, and those that
    /// are there for sessions, only if there is no other.
    eligible: Vec<usize>,
    /// Over `eligible`.
    schedule: Schedule,
    registry: Registry,
    empty_since: Option<Instant>,
    ended: Option<Arc<str>>,
}

/// One instance.
#[derive(Clone, Debug)]
pub(crate) struct MemberView<C> {
    pub(crate) name: Arc<str>,
    pub(crate) weight: u32,
    pub(crate) ejected: bool,
    pub(crate) state: State<C>,
    pub(crate) trouble: Option<Trouble>,
    /// Of this client's subset.
    pub(crate) chosen: bool,
    /// Outside of it, and sought for its sessions.
    pub(crate) on_demand: bool,
    /// Of an instance outside of it.
    pub(crate) interest: Option<Arc<Interest>>,
}

/// Whether an instance can be called.
#[derive(Clone, Debug)]
pub(crate) enum State<C> {
    /// By these connections, at least one.
    Connected(Vec<C>),
    Dialling,
    BackingOff,
    /// No connection is made to it unless a session wants it.
    Outside,
}

/// What is known of the registry itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry {
    /// It can be asked.
    pub(crate) live: bool,
    /// Why it cannot, or its answer not be used.
    pub(crate) trouble: Option<Trouble>,
}

/// What a call finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pick<C> {
    /// Call here.
    Chosen(C),
    /// The session's own instance is being dialled: wait for it a moment.
    Preferred,
    /// Nothing can be called now; it may change.
    Wait,
    /// Nothing can be called, and waiting is of no use before this time.
    EmptyUntil(Instant),
    /// Nothing can ever be called.
    Never,
}

/// What the call of a session finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Home<C> {
    /// The session's own instance.
    Own(C),
    /// A later one in its order, for its own cannot be called.
    Later(C),
    /// Its own is being dialled: wait for it a moment.
    Dialled,
    /// The same, if it is asked for: it is outside of the subset.
    Outside(Arc<str>),
}

impl<C> Snapshot<C> {
    pub(crate) fn new(
        members: Vec<MemberView<C>>,
        registry: Registry,
        empty_since: Option<Instant>,
    ) -> Self {
        let connected: Vec<usize> = (0..members.len())
            .filter(|&index| matches!(members[index].state, State::Connected(_)))
            .collect();
        let among = |wanted: fn(&MemberView<C>) -> bool| -> Vec<usize> {
            let indices = connected.iter().copied();
            indices.filter(|&index| wanted(&members[index])).collect()
        };
        let mut eligible = among(|member| !member.ejected && !member.on_demand);
        if eligible.is_empty() {
            eligible = among(|member| !member.ejected);
        }
        if eligible.is_empty() {
            eligible = connected;
        }
        let weights: Vec<u32> = eligible
            .iter()
            .map(|&index| members[index].weight)
            .collect();
        let schedule = Schedule::new(&weights);
        Self {
            members,
            eligible,
            schedule,
            registry,
            empty_since,
            ended: None,
        }
    }

    /// Nothing was heard of the registry yet.
    pub(crate) fn unknown(now: Instant) -> Self {
        Self::new(Vec::new(), Registry::default(), Some(now))
    }

    /// A pool that is over, or never began, for `reason`.
    pub(crate) fn ended(reason: &str) -> Self {
        let nothing = Self::new(Vec::new(), Registry::default(), None);
        Self {
            ended: Some(reason.into()),
            ..nothing
        }
    }

    /// The instances.
    pub(crate) fn members(&self) -> &[MemberView<C>] {
        &self.members
    }

    /// How many instances are connected.
    pub(crate) fn connected(&self) -> usize {
        let members = self.members.iter();
        members.filter(|member| member.is_connected()).count()
    }

    /// Whether the list is known, not empty, and all of it connected that this client connects to.
    pub(crate) fn all_connected(&self) -> bool {
        let mut chosen = self.chosen().peekable();
        chosen.peek().is_some() && chosen.all(MemberView::is_connected)
    }

    /// Whether nothing will change.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// What keeps this client from calling anybody, if it is known: that it may not, else what the
    /// registry said of an instance, else of itself.
    pub(crate) fn fault(&self) -> Option<&Trouble> {
        if self.members.iter().any(MemberView::is_connected) {
            return None;
        }
        let troubles = || self.chosen().filter_map(|member| member.trouble.as_ref());
        let denial = troubles().find(|trouble| trouble.is_denial());
        denial
            .or_else(|| troubles().find(|trouble| trouble.explained))
            .or(self.registry.trouble.as_ref())
    }

    /// Whether this client may call none of the instances, or not even know of any.
    fn is_denied(&self) -> bool {
        let denied = |member: &MemberView<C>| {
            let trouble = member.trouble.as_ref();
            !member.is_connected() && trouble.is_some_and(Trouble::is_denial)
        };
        let mut chosen = self.chosen().peekable();
        match chosen.peek() {
            Some(_) => chosen.all(denied),
            None => self
                .registry
                .trouble
                .as_ref()
                .is_some_and(Trouble::is_denial),
        }
    }

    /// The members of the client's subset.
    fn chosen(&self) -> impl Iterator<Item = &MemberView<C>> {
        self.members.iter().filter(|member| member.chosen)
    }
}

impl<C: Clone> Snapshot<C> {
    /// The next instance in turn among those that `usable` accepts, by the next of its connections.
    pub(crate) fn in_turn(&self, rotation: &Rotation, usable: impl Fn(&C) -> bool) -> Option<C> {
        let turn = rotation.turn();
        self.schedule.beginning_at(turn).find_map(|slot| {
            let member = &self.members[self.eligible[slot]];
            member.connection(|| self.schedule.rounds(turn), &usable)
        })
    }

    /// Of two instances taken at random the one with less to do for its weight, by its connection
    /// with the least to do. `random` is below its argument; `load` counts the calls of a connection.
    pub(crate) fn less_loaded(
        &self,
        random: impl Fn(usize) -> usize,
        usable: impl Fn(&C) -> bool,
        load: impl Fn(&C) -> usize,
    ) -> Option<C> {
        let eligible = self.eligible.len();
        let first = random(eligible.max(1));
        // Any other than the first.
        let second = match random(eligible.saturating_sub(1).max(1)) {
            other if other >= first => other + 1,
            other => other,
        };
        let candidates = [first, second].into_iter().filter_map(|at| {
            let member = &self.members[*self.eligible.get(at)?];
            let connections = member.connections();
            let calls: usize = connections.iter().map(&load).sum();
            let usable = connections.iter().filter(|connection| usable(connection));
            let best = usable.min_by_key(|connection| load(connection))?;
            Some(((calls + 1) as f64 / f64::from(member.weight), best))
        });
        let least = candidates.min_by(|(one, _), (other, _)| one.total_cmp(other));
        least.map(|(_, connection)| connection.clone())
    }

    /// The instance that session `key` belongs to among those that `usable` accepts, or the next
    /// in its order. `patient`: wait for one that is being dialled.
    pub(crate) fn for_session(
        &self,
        key: &str,
        patient: bool,
        usable: impl Fn(&C) -> bool,
    ) -> Option<Home<C>> {
        // An ejected instance is better than none.
        let mut last_resort = None;
        let own = winner(key, &self.members)?;
        // The others are ordered only if it cannot be called.
        let later = || ranked(key, &self.members).into_iter().skip(1);
        let order = std::iter::once(own).chain(std::iter::once_with(later).flatten());
        for (rank, index) in order.enumerate() {
            let member = &self.members[index];
            match &member.state {
                State::Connected(_) => {
                    let hash = || score(key, &member.name);
                    let Some(connection) = member.connection(hash, &usable) else {
                        continue;
                    };
                    let home = match rank {
                        0 => Home::Own(connection),
                        _ => Home::Later(connection),
                    };
                    if member.ejected {
                        last_resort.get_or_insert(home);
                        continue;
                    }
                    if member.on_demand
                        && let Some(interest) = &member.interest
                    {
                        interest.show();
                    }
                    if rank > 0 {
                        tracing::debug!(
                            session = key,
                            instance = &*member.name,
                            rank,
                            "session is served by a later instance in its order"
                        );
                    }
                    return Some(home);
                }
                State::Dialling if patient => return Some(Home::Dialled),
                State::Outside if patient => {
                    let first = member.interest.as_ref().is_some_and(|i| i.show());
                    return Some(match first {
                        true => Home::Outside(Arc::clone(&member.name)),
                        false => Home::Dialled,
                    });
                }
                _ => {}
            }
        }
        last_resort
    }

    /// What to do when there is nothing to choose.
    pub(crate) fn otherwise(&self, now: Instant) -> Pick<C> {
        if self.is_ended() || self.is_denied() {
            return Pick::Never;
        }
        let grace = if self.registry.live {
            EMPTY_GRACE
        } else {
            UNKNOWN_GRACE
        };
        match self.empty_since.map(|since| since + grace) {
            Some(end) if end <= now => Pick::Never,
            Some(end) => Pick::EmptyUntil(end),
            None => Pick::Wait,
        }
    }

    /// Why no instance of `deployment` can be called, for people.
    pub(crate) fn trouble(&self, deployment: &str) -> String {
        if let Some(reason) = &self.ended {
            return format!("no instance of `{deployment}` can be called: {reason}");
        }
        if self.members.is_empty() {
            return match (&self.registry.trouble, self.registry.live) {
                (Some(trouble), _) => {
                    format!("no instance of `{deployment}` is known: {trouble}")
                }
                (None, true) => format!("no instance of `{deployment}` is registered"),
                (None, false) => format!(
                    "no instance of `{deployment}` is registered, and the registry has not answered"
                ),
            };
        }
        let mut text = format!(
            "{} of {} instances of `{deployment}` connected",
            self.connected(),
            self.members.len()
        );
        let missing = || self.chosen().filter(|member| !member.is_connected());
        for member in missing().take(TOLD) {
            let _ = match &member.trouble {
                // Writing to a String does not fail.
                Some(trouble) => write!(text, "; {}: {trouble}", member.name),
                None => write!(text, "; {}: being dialled", member.name),
            };
        }
        let untold = missing().count().saturating_sub(TOLD);
        if untold > 0 {
            let _ = write!(text, "; and {untold} more");
        }
        if let Some(trouble) = &self.registry.trouble {
            let _ = write!(text, "; the list is not new: {trouble}");
        }
        text
    }
}

impl<C> MemberView<C> {
    pub(crate) fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected(_))
    }

    pub(crate) fn connections(&self) -> &[C] {
        match &self.state {
            State::Connected(connections) => connections,
            _ => &[],
        }
    }
}

impl<C: Clone> MemberView<C> {
    /// One of its connections that is usable: of several the one that `turn` falls on, or the next.
    fn connection(&self, turn: impl Fn() -> u64, usable: impl Fn(&C) -> bool) -> Option<C> {
        match self.connections() {
            [] => None,
            [only] => usable(only).then(|| only.clone()),
            several => {
                let first = (turn() % several.len() as u64) as usize;
                let (before, after) = several.split_at(first);
                after
                    .iter()
                    .chain(before)
                    .find(|connection| usable(connection))
                    .cloned()
            }
        }
    }
}

impl<C> AsRef<str> for MemberView<C> {
    fn as_ref(&self) -> &str {
        &self.name
    }
}
