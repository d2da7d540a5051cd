//! What a server counts.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::wire::{self, Fault, Totals};

/// What a server has counted since it started.
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) connections: AtomicU64,
    pub(super) broken_connections: AtomicU64,
    pub(super) refused_connections: AtomicU64,
    pub(super) cut_handshakes: AtomicU64,
    handshake_timeouts: AtomicU64,
    ping_timeouts: AtomicU64,
    misbehaved_connections: AtomicU64,
    pub(super) failed_accepts: AtomicU64,
    pub(super) calls: AtomicU64,
    pub(super) refused_calls: AtomicU64,
    pub(super) shed_by_calls: AtomicU64,
    pub(super) shed_by_rate: AtomicU64,
    pub(super) shed_by_bytes: AtomicU64,
    pub(super) invalid_arguments: AtomicU64,
    pub(super) panics: AtomicU64,
    pub(super) totals: Arc<Totals>,
}

impl Counters {
    /// Connections accepted, refused ones included.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Connections that ended with an error: lost, or a peer that did not speak the protocol.
    pub fn broken_connections(&self) -> u64 {
        self.broken_connections.load(Ordering::Relaxed)
    }

    /// Connections over [`max_connections`](crate::Limits::max_connections).
    pub fn refused_connections(&self) -> u64 {
        self.refused_connections.load(Ordering::Relaxed)
    }

    /// Connections closed because there were more than
    /// [`max_handshakes`](crate::Limits::max_handshakes).
    pub fn cut_handshakes(&self) -> u64 {
        self.cut_handshakes.load(Ordering::Relaxed)
    }

    /// Connections closed because their handshake took too long.
    pub fn handshake_timeouts(&self) -> u64 {
        self.handshake_timeouts.load(Ordering::Relaxed)
    }

    /// Connections closed because a ping went unanswered.
    pub fn ping_timeouts(&self) -> u64 {
        self.ping_timeouts.load(Ordering::Relaxed)
    }

    /// Connections closed because the client sent what it may not: too large a frame, more than it
    /// had credit for, too many calls, pings, or frames that bring nothing.
    pub fn misbehaved_connections(&self) -> u64 {
        self.misbehaved_connections.load(Ordering::Relaxed)
    }

    /// Times that no connection could be accepted, for want of descriptors or memory.
    pub fn failed_accepts(&self) -> u64 {
        self.failed_accepts.load(Ordering::Relaxed)
    }

    /// Calls handed to a handler.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Calls that arrived whole and were refused before a handler saw them.
    pub fn refused_calls(&self) -> u64 {
        self.refused_calls.load(Ordering::Relaxed)
    }

    /// Those of the refused calls that were over a [`Quota::calls`](crate::server::Quota::calls).
    pub fn shed_by_calls(&self) -> u64 {
        self.shed_by_calls.load(Ordering::Relaxed)
    }

    /// Those of the refused calls that were over a [`Quota::rate`](crate::server::Quota::rate).
    pub fn shed_by_rate(&self) -> u64 {
        self.shed_by_rate.load(Ordering::Relaxed)
    }

    /// Calls that were over a [`Quota::bytes`](crate::server::Quota::bytes): those of the refused
    /// calls, those refused as they arrived, and replies that were given up.
    pub fn shed_by_bytes(&self) -> u64 {
        self.shed_by_bytes.load(Ordering::Relaxed) + self.wire().unheld_calls
    }

    /// Calls whose arguments could not be decoded, or passed a limit of the codec.
    pub fn invalid_arguments(&self) -> u64 {
        self.invalid_arguments.load(Ordering::Relaxed)
    }

    /// Handlers that panicked.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// What its connections have counted, those that ended included.
    pub fn wire(&self) -> wire::Counters {
        self.totals.counters()
    }

    /// A connection ended with an error.
    pub(super) fn broken(&self, fault: &Fault) {
        self.broken_connections.fetch_add(1, Ordering::Relaxed);
        let why = match fault {
            Fault::HandshakeTimeout(_) => &self.handshake_timeouts,
            Fault::PingTimeout(_) => &self.ping_timeouts,
            Fault::FrameTooLarge { .. }
            | Fault::Malformed(_)
            | Fault::Excess(_)
            | Fault::FlowControl
            | Fault::TooManyStreams(_)
            | Fault::HastyPings(_)
            | Fault::IdleFrames { .. } => &self.misbehaved_connections,
            _ => return,
        };
        why.fetch_add(1, Ordering::Relaxed);
    }
}
