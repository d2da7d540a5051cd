//! One instance: its connections, and the dials of its own address.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Action, DialId, Target};
use crate::{
    client::pool::{backoff::Backoff, trouble::Trouble},
    discovery::Endpoint,
};

/// A connection that lived this long has proved its address: when it ends, back-off begins anew.
const STABLE: Duration = Duration::from_secs(10);

/// One instance.
#[derive(Debug)]
pub(super) struct Member<C> {
    /// What the registry says of the boot; `None` if it knows addresses only, and then whoever
    /// answers is accepted under this name.
    pub(super) epoch: Option<u64>,
    pub(super) weight: u32,
    /// Its own address; `None` if it is listed behind a proxy only.
    pub(super) direct: Option<Direct>,
    pub(super) lanes: Vec<Lane<C>>,
    /// Of this client's subset.
    pub(super) chosen: bool,
    /// Not of the subset, and sessions belong to it.
    pub(super) wanted: bool,
    pub(super) interest: Arc<Interest>,
    /// Why the last dial of its own address or connection failed.
    pub(super) trouble: Option<Trouble>,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Lane<C> {
    pub(super) id: DialId,
    pub(super) connection: C,
    pub(super) epoch: u64,
    pub(super) since: Instant,
    /// When it is to be replaced.
    pub(super) until: Option<Instant>,
    /// That time has come.
    pub(super) aged: bool,
}

/// Dials of an instance's own address.
#[derive(Debug)]
pub(super) struct Direct {
    pub(super) endpoint: Endpoint,
    pub(super) dial: Dial,
    pub(super) backoff: Backoff,
    /// The registry is being asked about it.
    pub(super) asking: bool,
    /// Why dials fail, as the registry said.
    pub(super) explanation: Option<Trouble>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Dial {
    Idle,
    UnderWay(DialId),
    /// Until then.
    BackingOff(Instant),
}

/// Whether a session that belongs to an instance outside of the subset was called lately.
#[derive(Debug, Default)]
pub(crate) struct Interest(AtomicBool);

impl Interest {
    /// A session's call belongs there; true for the first of them.
    pub(crate) fn show(&self) -> bool {
        !self.0.load(Ordering::Relaxed) && !self.0.swap(true, Ordering::Relaxed)
    }

    /// Whether there was a call since this was asked last.
    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl<C: Clone> Member<C> {
    pub(super) fn new() -> Self {
        Self {
            epoch: None,
            weight: 1,
            direct: None,
            lanes: Vec::new(),
            chosen: false,
            wanted: false,
            interest: Arc::default(),
            trouble: None,
        }
    }

    /// Whether connections to it are to be made.
    pub(super) fn is_sought(&self) -> bool {
        self.chosen || self.wanted
    }

    /// Connected only because nobody better was met yet.
    pub(super) fn is_stand_in(&self) -> bool {
        !self.lanes.is_empty() && !self.is_sought()
    }

    /// Connections to the present boot that need no successor.
    pub(super) fn fresh(&self) -> usize {
        let present = self.epoch.unwrap_or_default();
        let fresh = |lane: &&Lane<C>| !lane.aged && lane.epoch >= present;
        self.lanes.iter().filter(fresh).count()
    }

    /// Takes `lane` into use beside at most `most - 1` others of its boot. What it replaces is
    /// retired: those to other boots, then those that are aged, then the oldest.
    pub(super) fn take(&mut self, lane: Lane<C>, most: usize) -> Vec<Action<C>> {
        let epoch = lane.epoch;
        self.trouble = None;
        let (mut kept, mut old): (Vec<_>, Vec<_>) =
            self.lanes.drain(..).partition(|lane| lane.epoch == epoch);
        kept.sort_by_key(|lane| (!lane.aged, lane.id));
        let excess = (kept.len() + 1).saturating_sub(most);
        old.extend(kept.drain(..excess.min(kept.len())));
        kept.push(lane);
        self.lanes = kept;
        let retire = |lane: Lane<C>| Action::Retire(lane.connection);
        old.into_iter().map(retire).collect()
    }

    pub(super) fn retire_all(&mut self) -> impl Iterator<Item = Action<C>> {
        let lanes = std::mem::take(&mut self.lanes);
        lanes
            .into_iter()
            .map(|lane| Action::Retire(lane.connection))
    }

    /// When its own address is to be dialled, if it is: in the past, or at the end of a back-off.
    pub(super) fn next_dial(&self, connections: usize, now: Instant) -> Option<Instant> {
        let direct = self.direct.as_ref()?;
        if !self.is_sought() || self.fresh() >= connections {
            return None;
        }
        match direct.dial {
            Dial::Idle => Some(now),
            Dial::UnderWay(_) => None,
            Dial::BackingOff(until) => Some(until),
        }
    }

    /// Dials its own address as `id`.
    pub(super) fn dial(&mut self, name: &Arc<str>, id: DialId) -> Option<Action<C>> {
        let direct = self.direct.as_mut()?;
        direct.dial = Dial::UnderWay(id);
        let target = Target {
            name: Some(Arc::clone(name)),
            endpoint: direct.endpoint.clone(),
        };
        Some(Action::Dial(id, target))
    }

    /// A connection ended: the next dial of its own address is not at once even then, for everybody
    /// who was connected there has lost it at this moment.
    pub(super) fn lost(&mut self, proved: bool, now: Instant, random: f64) {
        if let Some(direct) = &mut self.direct
            && direct.dial == Dial::Idle
        {
            if proved {
                direct.backoff.reset();
            }
            direct.back_off(now, random);
        }
    }
}

impl<C> Lane<C> {
    /// Whether it lived long enough to have proved its address.
    pub(super) fn proved(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= STABLE
    }
}

impl Direct {
    pub(super) fn new(endpoint: Endpoint, backoff: Backoff) -> Self {
        Self {
            endpoint,
            dial: Dial::Idle,
            backoff,
            asking: false,
            explanation: None,
        }
    }

    /// The registry said why dials fail, or sees no reason.
    pub(super) fn explained(&mut self, explanation: Option<Trouble>) {
        self.asking = false;
        // It may answer when a dial has succeeded meanwhile.
        if self.dial != Dial::Idle {
            self.explanation = explanation;
        }
    }

    pub(super) fn back_off(&mut self, now: Instant, random: f64) {
        self.dial = Dial::BackingOff(now + self.backoff.next(random));
    }

    /// Whether `other` is dialled as this is.
    pub(super) fn leads_where(&self, other: &Endpoint) -> bool {
        self.endpoint.dial == other.dial && self.endpoint.via == other.via
    }
}
