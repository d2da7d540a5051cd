//! Deadlines of calls, and keep-alive.
//!
//! Timers are lazy: [`Connection::poll_timeout`] may name a time at which nothing is due any more,
//! never one that is too late.

use std::time::{Duration, Instant};

use bytes::BufMut;

use super::{
    super::{
        fault::Fault,
        frame::{Flags, Frame, FrameType},
        head::{Reason, Status},
    },
    Connection, Phase, Side,
    client::deadline_exceeded,
    stream::Stream,
};

/// Pings that may come sooner than announced before the connection is ended. A good ping takes one
/// off.
const HASTY_PINGS: u32 = 8;

/// Whether the peer is alive.
#[derive(Debug)]
pub(super) struct KeepAlive {
    /// When a byte of the peer last arrived.
    heard_at: Instant,
    /// A ping that was not answered, and when it went out. Any frame answers it.
    ping_at: Option<Instant>,
    /// Pings whose pongs have not come.
    pongs: u32,
    /// The peer wants no more pings than one in this time.
    peer_min: Duration,
    /// When the peer last pinged.
    pinged_at: Option<Instant>,
    hasty: u32,
}

impl KeepAlive {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            heard_at: now,
            ping_at: None,
            pongs: 0,
            peer_min: Duration::ZERO,
            pinged_at: None,
            hasty: 0,
        }
    }

    pub(super) fn established(&mut self, peer_min: Duration, now: Instant) {
        self.peer_min = peer_min.min(Duration::from_secs(3600));
        self.heard(now);
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
        self.ping_at = None;
    }

    /// Whether a pong that came was asked for.
    pub(super) fn is_pong_awaited(&mut self) -> bool {
        let awaited = self.pongs > 0;
        self.pongs = self.pongs.saturating_sub(1);
        awaited
    }
}

impl Connection {
    /// When [`handle_timeout`](Self::handle_timeout) is due, unless something happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Handshake { until } => Some(until),
            Phase::Closed(_) => None,
            // A call was given up, and another one may take its place.
            Phase::Open if self.may_open_waiting() => Some(self.now),
            Phase::Open => {
                let mut due = self.keep_alive_due();
                for other in [
                    self.earliest_deadline,
                    self.ending.linger_until(),
                    self.spare_pages.until(),
                ] {
                    due = other.map_or(due, |other| due.min(other));
                }
                Some(due)
            }
        }
    }

    /// Does what is due at `now`.
    ///
    /// # Errors
    /// If the connection is over: give it to [`fail_with`](Self::fail_with).
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Fault> {
        self.now = now;
        self.spare_pages.expire(now);
        if let Phase::Handshake { until } = self.phase {
            return if now < until {
                Ok(())
            } else {
                Err(Fault::HandshakeTimeout(self.config.handshake_timeout))
            };
        }
        if self.phase != Phase::Open {
            return Ok(());
        }
        if self.ending.linger_until().is_some_and(|until| now >= until) {
            return Err(Fault::Done);
        }
        if self
            .earliest_deadline
            .is_some_and(|deadline| now >= deadline)
        {
            self.expire_calls(now);
        }
        self.open_waiting(now);
        if now >= self.keep_alive_due() {
            if self.keep_alive.ping_at.is_some() {
                return Err(Fault::PingTimeout(self.config.ping_timeout));
            }
            self.keep_alive.ping_at = Some(now);
            self.queue_ping(0);
        }
        Ok(())
    }

    fn keep_alive_due(&self) -> Instant {
        let keep_alive = &self.keep_alive;
        if let Some(ping_at) = keep_alive.ping_at {
            return ping_at + self.config.ping_timeout;
        }
        let quiet = if self.open > 0 {
            self.config.ping_busy
        } else {
            self.config.ping_idle
        };
        keep_alive.heard_at + quiet.max(keep_alive.peer_min)
    }

    pub(super) fn note_deadline(&mut self, deadline: Option<Instant>) {
        if let Some(deadline) = deadline
            && self
                .earliest_deadline
                .is_none_or(|earliest| deadline < earliest)
        {
            self.earliest_deadline = Some(deadline);
        }
    }

    fn expire_calls(&mut self, now: Instant) {
        let open = |stream: &Stream| stream.deadline.filter(|_| !stream.over);
        let later = self.streams.iter().filter_map(|(_, stream)| open(stream));
        self.earliest_deadline = later.filter(|deadline| *deadline > now).min();
        let is_late = |deadline| deadline <= now;
        for id in self
            .streams
            .ids(|_, stream| open(stream).is_some_and(is_late))
        {
            match self.side {
                Side::Client => self.expire_own_call(id),
                Side::Server => self.expire_peers_call(id),
            }
        }
    }

    fn expire_own_call(&mut self, id: u64) {
        if cfg!(meshrpc_fault = "deadline_ignored") {
            return;
        }
        let Some(stream) = self.streams.get(id) else {
            return;
        };
        // What is queued will still be written, so only a call whose end is not queued is safe.
        let started = stream.started(u64::MAX);
        self.reset(id, super::client::ResetCode::Cancelled);
        self.fail(id, started, deadline_exceeded(started));
    }

    fn expire_peers_call(&mut self, id: u64) {
        self.stop(id, |started| {
            let message = "the call's deadline passed at the callee";
            Status::refusal(Reason::DeadlineExceeded, started, message)
        });
    }

    pub(super) fn queue_ping(&mut self, token: u64) {
        self.keep_alive.pongs = self.keep_alive.pongs.saturating_add(1);
        self.queue_frame(FrameType::Ping, Flags::default(), 0, |out| {
            out.put_u64_le(token)
        });
    }

    pub(super) fn receive_ping(&mut self, frame: &Frame, now: Instant) -> Result<(), Fault> {
        if frame.payload.len() != 8 {
            return Err(Fault::Malformed("a ping has a wrong length"));
        }
        let hasty = self
            .keep_alive
            .pinged_at
            .is_some_and(|before| now.saturating_duration_since(before) < self.config.ping_min / 2);
        self.keep_alive.pinged_at = Some(now);
        if hasty {
            self.counters.count(|counters| &mut counters.hasty_pings);
            self.keep_alive.hasty += 1;
        } else {
            self.keep_alive.hasty = self.keep_alive.hasty.saturating_sub(1);
        }
        if self.keep_alive.hasty > HASTY_PINGS {
            return Err(Fault::HastyPings(self.config.ping_min));
        }
        self.queue_frame(FrameType::Pong, Flags::default(), 0, |out| {
            out.put_slice(&frame.payload)
        });
        Ok(())
    }
}
