//! What is counted because a well-behaved peer causes little of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Things of which a well-behaved peer causes few, on one connection or on all of a side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Frames of streams that were forgotten, as after a cancelled call.
    pub late_frames: u64,
    /// Frames of ignorable types this version does not know.
    pub ignored_frames: u64,
    /// Frames that changed nothing, such as answers to what was never asked.
    pub idle_frames: u64,
    /// Pings that came sooner than announced.
    pub hasty_pings: u64,
    /// Calls refused because too many were open, or too many handlers of former calls ran on.
    pub refused_streams: u64,
    /// Messages that were larger than their reader takes, requests and replies.
    pub oversized_messages: u64,
    /// Calls refused, or ended, because too many bytes were held for calls.
    pub unheld_calls: u64,
    /// Times that reading stopped because the peer left too many answers unread.
    pub unread_answers: u64,
}

/// What all connections of a side have counted together.
#[derive(Debug, Default)]
pub struct Totals(Mutex<Counters>);

/// What one connection counts.
#[derive(Debug)]
pub(super) struct Tally {
    own: Counters,
    totals: Arc<Totals>,
}

impl Totals {
    /// The sums up to now.
    pub fn counters(&self) -> Counters {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    pub(super) fn new(totals: Arc<Totals>) -> Self {
        Self {
            own: Counters::default(),
            totals,
        }
    }

    pub(super) fn counters(&self) -> Counters {
        self.own
    }

    /// One more of `which`.
    pub(super) fn count(&mut self, which: fn(&mut Counters) -> &mut u64) {
        *which(&mut self.own) += 1;
        *which(&mut self.totals.lock()) += 1;
    }
}
