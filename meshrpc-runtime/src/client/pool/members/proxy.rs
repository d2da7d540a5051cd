//! A proxy that picks an instance by itself for each connection: the dials it takes to meet those
//! that the registry lists behind it.
//!
//! What is met is chance, or the proxy's own rotation, so the number of dials is bounded:
//! [`DIALS`] for each listed instance and connection, at most about two a second, and then one a
//! minute. Of n instances met at random, each is left out after 8 n dials with a probability of
//! e⁻⁸. A change of the list, the loss of a proved connection, and a session's wish for an
//! instance grant as many dials again.
//!
//! While nobody is connected and dials fail there is nothing to search: the proxy, its way, or the
//! permission is missing, and a dial a second at most finds out when it is back.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Action, DialId, Target};
use crate::{
    client::pool::{backoff::Backoff, trouble::Trouble},
    discovery::Endpoint,
};

/// Dials for each listed instance and connection to it.
const DIALS: usize = 8;
/// Mean time from one dial to the next.
const PACE: Duration = Duration::from_millis(500);
/// The same when there were as many as may be.
const SLOW_PACE: Duration = Duration::from_secs(60);
/// Upper bounds of the first pause and of every pause after a dial that failed.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A proxy, and the search behind it.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) endpoint: Endpoint,
    /// Instances listed behind it.
    pub(super) expected: BTreeSet<Arc<str>>,
    /// Connections to each.
    connections: usize,
    /// Dials that may be made at [`PACE`].
    left: usize,
    pub(super) under_way: usize,
    /// The last dial that was begun, and when.
    last: Option<(DialId, Instant)>,
    /// The last dial that ended failed: none before this time.
    failed: Option<Instant>,
    backoff: Backoff,
    /// The registry is being asked about it.
    pub(super) asking: bool,
    failure: Option<Trouble>,
    explanation: Option<Trouble>,
}

/// What there is to search for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Search {
    /// Connections that are missing.
    pub(super) missing: usize,
    /// No instance behind the proxy is connected.
    pub(super) alone: bool,
}

impl Proxy {
    pub(super) fn new(endpoint: Endpoint, connections: usize) -> Self {
        Self {
            endpoint,
            expected: BTreeSet::new(),
            connections,
            left: 0,
            under_way: 0,
            last: None,
            failed: None,
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            asking: false,
            failure: None,
            explanation: None,
        }
    }

    /// There is something new to be met: as many dials as at first may be made for it.
    pub(super) fn renew(&mut self) {
        self.left = self.allowance();
    }

    fn allowance(&self) -> usize {
        DIALS * self.expected.len() * self.connections
    }

    /// The registry has news of an instance behind it: no dial waits for what was before.
    pub(super) fn news(&mut self) {
        self.renew();
        self.backoff.reset();
        self.failed = None;
    }

    /// When to dial next; `None` if there is no need, or dials enough are under way. `jitter` makes
    /// a number in 0..1 of a dial's.
    pub(super) fn next_dial(
        &self,
        search: Search,
        now: Instant,
        jitter: impl Fn(DialId) -> f64,
    ) -> Option<Instant> {
        if search.missing <= self.under_way {
            return None;
        }
        let at = match (self.last, self.failed) {
            // A search that has not begun, or whose one connection is gone.
            (None, None) => now,
            (_, Some(failed)) if search.alone => return Some(failed),
            (None, Some(failed)) => failed,
            (Some((id, begun)), failed) => {
                let pace = if self.left == 0 { SLOW_PACE } else { PACE };
                let paced = begun + pace.mul_f64(0.5 + jitter(id));
                failed.map_or(paced, |failed| paced.max(failed))
            }
        };
        Some(at)
    }

    pub(super) fn dial<C>(&mut self, id: DialId, now: Instant) -> Action<C> {
        self.left = self.left.saturating_sub(1);
        self.under_way += 1;
        self.last = Some((id, now));
        let target = Target {
            name: None,
            endpoint: self.endpoint.clone(),
        };
        Action::Dial(id, target)
    }

    /// A dial ended with a connection to somebody.
    pub(super) fn answered(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        self.failed = None;
        self.failure = None;
        self.explanation = None;
        self.backoff.reset();
    }

    /// A dial failed.
    pub(super) fn failed(&mut self, trouble: Trouble, alone: bool, now: Instant, random: f64) {
        self.under_way = self.under_way.saturating_sub(1);
        if alone {
            // It was no part of the search.
            self.left = self.allowance().min(self.left + 1);
        }
        self.failed = Some(now + self.backoff.next(random));
        self.failure = Some(trouble);
    }

    /// A connection through it was lost. One that had lived for a while is searched for again.
    pub(super) fn lost(&mut self, proved: bool, alone: bool, now: Instant, random: f64) {
        if proved {
            self.renew();
        }
        if alone {
            // Not at once even then: everybody who was connected there has lost it at this moment.
            self.failed = Some(now + self.backoff.next(random));
        }
    }

    /// The registry said why dials fail, or sees no reason.
    pub(super) fn explained(&mut self, explanation: Option<Trouble>) {
        self.asking = false;
        // It may answer when a dial has succeeded meanwhile.
        if self.failure.is_some() {
            self.explanation = explanation;
        }
    }

    /// Why nobody new is met.
    pub(super) fn trouble(&self) -> Option<&Trouble> {
        self.explanation.as_ref().or(self.failure.as_ref())
    }
}
