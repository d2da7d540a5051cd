//! What a pool counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the connections to one deployment have counted since they were first wanted; of
/// [`Channel::counters`](crate::Channel::counters).
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) dials: AtomicU64,
    pub(super) failed_dials: AtomicU64,
    pub(super) met: AtomicU64,
    pub(super) surplus: AtomicU64,
    pub(super) stale: AtomicU64,
    pub(super) unlisted: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) questions: AtomicU64,
    pub(crate) displaced_calls: AtomicU64,
}

impl Counters {
    /// Dials begun.
    pub fn dials(&self) -> u64 {
        self.dials.load(Ordering::Relaxed)
    }

    /// Dials that ended without a handshake, or met another instance than the one that is listed
    /// under the address.
    pub fn failed_dials(&self) -> u64 {
        self.failed_dials.load(Ordering::Relaxed)
    }

    /// Connections that came into use.
    pub fn met(&self) -> u64 {
        self.met.load(Ordering::Relaxed)
    }

    /// Connections through a proxy that were closed at once, because there were enough to their
    /// instance, or it is not of this client's subset.
    pub fn surplus(&self) -> u64 {
        self.surplus.load(Ordering::Relaxed)
    }

    /// Connections through a proxy that were closed at once, because they led to a boot that has a
    /// successor.
    pub fn stale(&self) -> u64 {
        self.stale.load(Ordering::Relaxed)
    }

    /// Connections through a proxy that led to an instance the registry did not list then.
    pub fn unlisted(&self) -> u64 {
        self.unlisted.load(Ordering::Relaxed)
    }

    /// Connections in use that ended, or whose peer goes away.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Times that the registry was asked why a dial failed.
    pub fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }

    /// Choices for calls of a session that fell on a later instance in its order, because its own
    /// could not be called.
    pub fn displaced_calls(&self) -> u64 {
        self.displaced_calls.load(Ordering::Relaxed)
    }

    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
