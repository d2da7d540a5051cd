//! What calls choose an instance from.

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::client::balance::{Rotation, Schedule, ranked};

/// How long a list may be empty before calls are refused at once. It covers the moment between a
/// server's start and the registry's news of it, and a restart of the only instance.
const EMPTY_GRACE: Duration = Duration::from_secs(1);
/// The same while the registry cannot be asked.
const UNKNOWN_GRACE: Duration = Duration::from_secs(5);

/// The instances of a pool at one time, in the order of their names.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot<C> {
    members: Vec<MemberView<C>>,
    /// Connected members, by index; ejected ones only if there is no other.
    eligible: Vec<usize>,
    /// Over `eligible`.
    schedule: Schedule,
    registry_live: bool,
    empty_since: Option<Instant>,
    opaque: bool,
    ended: Option<Arc<str>>,
}

/// One instance.
#[derive(Clone, Debug)]
pub(crate) struct MemberView<C> {
    pub(crate) name: Arc<str>,
    pub(crate) weight: u32,
    pub(crate) ejected: bool,
    pub(crate) state: State<C>,
    pub(crate) trouble: Option<Arc<str>>,
}

/// Whether an instance can be called.
#[derive(Clone, Debug)]
pub(crate) enum State<C> {
    Connected(C),
    Dialling,
    BackingOff,
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

impl<C> Snapshot<C> {
    pub(crate) fn new(
        members: Vec<MemberView<C>>,
        registry_live: bool,
        empty_since: Option<Instant>,
        opaque: bool,
    ) -> Self {
        let connected = |&index: &usize| matches!(members[index].state, State::Connected(_));
        let mut eligible: Vec<usize> = (0..members.len())
            .filter(connected)
            .filter(|&index| !members[index].ejected)
            .collect();
        if eligible.is_empty() {
            eligible = (0..members.len()).filter(connected).collect();
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
            registry_live,
            empty_since,
            opaque,
            ended: None,
        }
    }

    /// A pool that is over, or never began, for `reason`.
    pub(crate) fn ended(reason: &str) -> Self {
        let nothing = Self::new(Vec::new(), false, None, false);
        Self {
            ended: Some(reason.into()),
            ..nothing
        }
    }

    /// How many instances are connected.
    pub(crate) fn connected(&self) -> usize {
        self.connections().count()
    }

    /// Whether the list is known, not empty, and all of it connected.
    pub(crate) fn all_connected(&self) -> bool {
        !self.members.is_empty() && self.connected() == self.members.len()
    }

    /// Whether nothing will change.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.is_some() || (self.opaque && self.members.is_empty())
    }

    fn connections(&self) -> impl Iterator<Item = &C> {
        self.members
            .iter()
            .filter_map(|member| match &member.state {
                State::Connected(connection) => Some(connection),
                _ => None,
            })
    }
}

impl<C: Clone> Snapshot<C> {
    /// The next instance in turn among those that `usable` accepts.
    pub(crate) fn in_turn(&self, rotation: &Rotation, usable: impl Fn(&C) -> bool) -> Option<C> {
        // Whoever is alone is always next.
        let turn = match self.eligible.len() {
            1 => 0,
            _ => rotation.turn(),
        };
        self.schedule.beginning_at(turn).find_map(|slot| {
            match &self.members[self.eligible[slot]].state {
                State::Connected(connection) if usable(connection) => Some(connection.clone()),
                _ => None,
            }
        })
    }

    /// The instance that session `key` belongs to among those that `usable` accepts, or the next
    /// in its order. `patient`: wait for one that is being dialled.
    pub(crate) fn for_session(
        &self,
        key: &str,
        patient: bool,
        usable: impl Fn(&C) -> bool,
    ) -> Option<Pick<C>> {
        // An ejected instance is better than none.
        let mut last_resort = None;
        for (rank, index) in ranked(key, &self.members).into_iter().enumerate() {
            let member = &self.members[index];
            match &member.state {
                State::Connected(connection) if usable(connection) => {
                    if member.ejected {
                        last_resort.get_or_insert(connection);
                        continue;
                    }
                    if rank > 0 {
                        tracing::debug!(
                            session = key,
                            instance = &*member.name,
                            rank,
                            "session is served by a later instance in its order"
                        );
                    }
                    return Some(Pick::Chosen(connection.clone()));
                }
                State::Dialling if patient => return Some(Pick::Preferred),
                _ => {}
            }
        }
        last_resort.cloned().map(Pick::Chosen)
    }

    /// What to do when there is nothing to choose.
    pub(crate) fn otherwise(&self, now: Instant) -> Pick<C> {
        if self.is_ended() {
            return Pick::Never;
        }
        let grace = if self.registry_live {
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
        if self.opaque {
            return format!(
                "`{deployment}` is behind a proxy that picks instances by itself, which this \
                 release does not support"
            );
        }
        if self.members.is_empty() {
            let registry = if self.registry_live {
                ""
            } else {
                ", and the registry has not answered"
            };
            return format!("no instance of `{deployment}` is registered{registry}");
        }
        let mut text = format!(
            "{} of {} instances of `{deployment}` connected",
            self.connected(),
            self.members.len()
        );
        for member in &self.members {
            let trouble = match (&member.state, &member.trouble) {
                (State::Connected(_), _) => continue,
                (_, Some(trouble)) => trouble,
                (_, None) => "being dialled",
            };
            // Writing to a String does not fail.
            let _ = write!(text, "; {}: {trouble}", member.name);
        }
        text
    }
}

impl<C> AsRef<str> for MemberView<C> {
    fn as_ref(&self) -> &str {
        &self.name
    }
}
