//! Go-away in two phases, and the loss of the connection.
//!
//! A server that drains says first that it will go (soft, no last id) and pings; when the pong is
//! there, every call that was under way before the client heard is too. Then it names the last id
//! it accepted: calls above it were never started, and the client may make them elsewhere. The
//! connection ends when the accepted ones are over.

use std::time::{Duration, Instant};

use bytes::Buf;

use super::{
    super::{
        fault::{Fault, GoAwayReason},
        frame::{Flags, Frame, FrameType},
        layout::{self, GoAway},
    },
    Connection, Event, Phase, Side,
    pages::KeptPages,
    stream::{BrokenOff, Stream},
};
use crate::error::{Kind, Started};

/// Opaque bytes of the ping that a soft go-away waits for.
const DRAIN_TOKEN: u64 = 0x4452_4149_4E00_0001;

/// How long a server that is done waits for the client to close. Closing first could cut off
/// bytes that the client has not read, and a half-close does not pass every proxy.
const LINGER: Duration = Duration::from_secs(2);

/// How far the end has come.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// This side takes, or makes, no new calls.
    begun: bool,
    /// Server: the pong of the soft go-away is awaited.
    awaits_pong: bool,
    /// Server: the final go-away named this id.
    last: Option<u64>,
    /// Server: everything is done; until then the client may close first.
    linger_until: Option<Instant>,
}

impl Ending {
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    pub(super) fn last_accepted(&self) -> Option<u64> {
        self.last
    }

    pub(super) fn linger_until(&self) -> Option<Instant> {
        self.linger_until
    }
}

impl Connection {
    /// True while [`call`](Self::call) is taken.
    pub fn takes_calls(&self) -> bool {
        self.phase == Phase::Open && !self.ending.begun
    }

    /// Begins an orderly end. A client makes no new calls; a server says go-away. Either closes
    /// when the calls under way are over.
    pub fn go_away(&mut self, now: Instant) {
        if self.ending.begun {
            return;
        }
        self.ending.begun = true;
        self.now = now;
        if self.side == Side::Client && matches!(self.phase, Phase::Handshake { .. }) {
            return self.fail_with(Fault::ClosedHere);
        }
        self.events.push_back(Event::Closing);
        if self.side == Side::Server && self.phase == Phase::Open {
            self.ending.awaits_pong = true;
            self.queue_go_away(u64::MAX, GoAwayReason::Draining, true, String::new());
            self.queue_ping(DRAIN_TOKEN);
        }
        self.end_if_done();
    }

    pub(super) fn queue_go_away(
        &mut self,
        last: u64,
        reason: GoAwayReason,
        soft: bool,
        text: String,
    ) {
        let go_away = GoAway {
            last,
            reason,
            soft,
            reconnect_after: None,
            text,
        };
        self.queue_frame(FrameType::GoAway, Flags::default(), 0, |out| {
            layout::put_go_away(out, &go_away);
        });
    }

    pub(super) fn receive_pong(&mut self, frame: &Frame) -> Result<(), Fault> {
        let mut payload = frame.payload.clone();
        if payload.len() != 8 {
            return Err(Fault::Malformed("a pong has a wrong length"));
        }
        if payload.get_u64_le() == DRAIN_TOKEN && self.ending.awaits_pong {
            self.ending.awaits_pong = false;
            self.keep_alive.is_pong_awaited();
            let last = self.highest_seen - 2 * u64::from(cfg!(meshrpc_fault = "wrong_last_id"));
            self.ending.last = Some(self.highest_seen);
            self.queue_go_away(last, GoAwayReason::Draining, false, String::new());
            self.end_if_done();
            return Ok(());
        }
        if self.keep_alive.is_pong_awaited() {
            return Ok(());
        }
        self.brings_nothing()
    }

    pub(super) fn receive_go_away(&mut self, frame: &Frame) -> Result<(), Fault> {
        let go_away = layout::parse_go_away(frame.payload.clone())?;
        if go_away.reason != GoAwayReason::Draining {
            return Err(Fault::GoneAway {
                reason: go_away.reason,
                text: go_away.text,
            });
        }
        if self.side == Side::Server || self.ending.last.is_some() {
            return self.brings_nothing();
        }
        if !self.ending.begun {
            self.ending.begun = true;
            self.events.push_back(Event::Closing);
        } else if go_away.soft {
            self.brings_nothing()?;
        }
        let disowns = |(id, stream): (u64, &Stream)| {
            !go_away.soft && id > go_away.last && stream.answered && !stream.over
        };
        if self.streams.iter().any(disowns) {
            return Err(Fault::Malformed("a go-away that disowns an answered call"));
        }
        let never_started = self.streams.ids(|id, stream| {
            let refused = !stream.counted || !go_away.soft && id > go_away.last;
            refused && !stream.over
        });
        self.waiting.clear();
        for id in never_started {
            let cause = Fault::GoneAway {
                reason: GoAwayReason::Draining,
                text: String::new(),
            };
            self.fail(id, Started::No, cause.to_error());
        }
        if !go_away.soft {
            self.ending.last = Some(go_away.last);
        }
        self.end_if_done();
        Ok(())
    }

    /// Closes, or prepares to, once the end has begun and no call is left.
    pub(super) fn end_if_done(&mut self) {
        if !self.ending.begun
            || self.phase != Phase::Open
            || self.streams.iter().any(|(_, stream)| !stream.over)
        {
            return;
        }
        match self.side {
            Side::Client => {
                self.bulk.clear();
                self.phase = Phase::Closed(Fault::Done);
            }
            Side::Server if self.ending.last.is_some() => {
                self.ending.linger_until.get_or_insert(self.now + LINGER);
            }
            Side::Server => {}
        }
    }

    /// The connection is over because of `fault`: every call ends, and the peer is told if it can
    /// be. What is queued then may be written; nothing else will be. A client that has not written
    /// all of what it took before has to stop there: a request whose end was on its way is reported
    /// as not started.
    pub fn fail_with(&mut self, fault: Fault) {
        if matches!(self.phase, Phase::Closed(_)) {
            return;
        }
        if self.side == Side::Client && self.phase == Phase::Open {
            // Requests are among it.
            self.out.clear();
        }
        self.queue_farewell(&fault);
        if !self.ending.begun {
            self.ending.begun = true;
            self.events.push_back(Event::Closing);
        }
        for id in self.streams.ids(|_, _| true) {
            match self.side {
                Side::Client => self.lose_own_call(id, &fault),
                Side::Server => self.lose_peers_call(id, &fault),
            }
        }
        self.waiting.clear();
        self.bulk.clear();
        self.spare_pages = KeptPages::default();
        self.phase = Phase::Closed(fault);
    }

    fn lose_own_call(&mut self, id: u64, fault: &Fault) {
        let Some(stream) = self.streams.get(id) else {
            return;
        };
        let started = stream.started(self.written_to);
        let mut cause = fault.to_error();
        if matches!(fault, Fault::Done) {
            cause = crate::error::Error::new(Kind::Unavailable, "the connection was closed");
        }
        self.fail(id, started, cause);
    }

    fn lose_peers_call(&mut self, id: u64, fault: &Fault) {
        if let Some(stream) = self.streams.get_mut(id)
            && stream
                .inbound
                .as_ref()
                .is_some_and(|inbound| inbound.is_streaming() && !inbound.ended)
        {
            stream.broken = Some(BrokenOff::Unread(fault.to_error()));
            self.events.push_back(Event::Readable { id });
        }
        self.caller_gone(id);
    }
}
