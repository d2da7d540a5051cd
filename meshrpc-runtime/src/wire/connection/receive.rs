//! Frames that either side may send.

use std::{mem, time::Instant};

use bytes::{Buf, BufMut, Bytes};

use super::{
    super::{
        buffers::Spare,
        direction::{Inbound, Outbound, Rejected},
        fault::Fault,
        frame::{Flags, Frame, FrameType},
    },
    Connection, EVENTS, Event, Phase, Read, Side,
    client::ResetCode,
    stream::{BrokenOff, Stream},
};
use crate::error::{Error, Kind, Started};

impl Connection {
    /// Takes a verified frame.
    ///
    /// # Errors
    /// What the peer did wrong. The connection is over then: give it to [`fail_with`](Self::fail_with).
    pub fn receive(&mut self, frame: &Frame, now: Instant) -> Result<(), Fault> {
        self.heard(now);
        Spare::lend(&EVENTS, &mut self.events);
        match self.phase {
            Phase::Handshake { .. } => return self.receive_hello(frame, now),
            Phase::Closed(_) => return Ok(()),
            Phase::Open => {}
        }
        let Some(kind) = frame.kind else {
            self.counters.count(|counters| &mut counters.ignored_frames);
            return self.budget.spend(now);
        };
        match (kind, self.side) {
            (FrameType::Open, Side::Server) => self.receive_open(frame, now),
            (FrameType::Reply, Side::Client) => self.receive_reply(frame),
            (FrameType::Status, Side::Client) => self.receive_status(frame),
            (FrameType::Data, _) => self.receive_data(frame),
            (FrameType::Reset, _) => self.receive_reset(frame),
            (FrameType::Credit, _) => self.receive_credit(frame),
            (FrameType::Ping, _) => self.receive_ping(frame, now),
            (FrameType::Pong, _) => self.receive_pong(frame),
            (FrameType::GoAway, _) => self.receive_go_away(frame),
            (FrameType::Info, _) => self.brings_nothing(),
            _ => Err(Fault::Malformed("a frame that this side cannot be sent")),
        }?;
        if self.side == Side::Client && !self.waiting.is_empty() {
            self.open_waiting(now);
        }
        Ok(())
    }

    /// The peer is alive.
    pub(super) fn heard(&mut self, now: Instant) {
        self.now = now;
        self.keep_alive.heard(now);
    }

    /// A frame that changed nothing.
    pub(super) fn brings_nothing(&mut self) -> Result<(), Fault> {
        self.counters.count(|counters| &mut counters.idle_frames);
        self.budget.spend(self.now)
    }

    fn receive_data(&mut self, frame: &Frame) -> Result<(), Fault> {
        let mut body = frame.payload.clone();
        let end = frame.flags.contains(Flags::END);
        let total = match end {
            true if body.len() < 8 => return Err(Fault::Malformed("an end without its count")),
            true => Some(body.get_u64_le()),
            false if body.is_empty() => return Err(Fault::Malformed("an empty chunk")),
            false => None,
        };
        let len = body.len();
        self.receive_chunk(frame, len, total, |inbound| inbound.push(body))
    }

    /// What DATA does, whose body `push` adds to its direction.
    pub(super) fn receive_chunk(
        &mut self,
        frame: &Frame,
        len: usize,
        total: Option<u64>,
        push: impl FnOnce(&mut Inbound) -> Result<(), Rejected>,
    ) -> Result<(), Fault> {
        let credit_now = frame.flags.contains(Flags::CREDIT_NOW);
        if cfg!(meshrpc_fault = "credit_not_returned") && self.streams.get(frame.stream).is_none() {
            return Ok(());
        }
        self.receive_cost(len as u64, credit_now)?;
        if self.known(frame)?.is_none() {
            return Ok(());
        }
        if self.side == Side::Server {
            self.hold(frame.stream, len as u64);
        }
        let Some(stream) = self.streams.get_mut(frame.stream) else {
            return Ok(());
        };
        let Some(inbound) = &mut stream.inbound else {
            return Err(Fault::Malformed(match stream.came_at_once {
                true => "bytes after the end of a direction",
                false => "bytes before a direction began",
            }));
        };
        let pushed = push(inbound);
        if credit_now && let Some(grant) = inbound.credit_now() {
            self.queue_credit(frame.stream, grant);
        }
        let end = frame.flags.contains(Flags::END);
        self.received(frame.stream, pushed, end, total)
    }

    /// Takes the body bytes of the frame that began a direction.
    pub(super) fn receive_first(&mut self, id: u64, body: Bytes, end: bool) -> Result<(), Fault> {
        if body.len() > self.limits.inline_max as usize {
            return Err(Fault::FlowControl);
        }
        let Some(Stream {
            inbound: Some(inbound),
            ..
        }) = self.streams.get_mut(id)
        else {
            return Ok(());
        };
        let pushed = inbound.push(body);
        self.received(id, pushed, end, None)
    }

    /// Connection credit is spent and returned on receipt, whatever becomes of the bytes.
    fn receive_cost(&mut self, cost: u64, credit_now: bool) -> Result<(), Fault> {
        let window = &mut self.receive_window;
        window.arrived(cost).ok_or(Fault::FlowControl)?;
        window.freed(cost);
        if let Some(grant) = window.take_grant(credit_now || self.small_mode > 0) {
            self.queue_credit(0, grant);
        }
        Ok(())
    }

    /// What follows body bytes.
    fn received(
        &mut self,
        id: u64,
        pushed: Result<(), Rejected>,
        end: bool,
        total: Option<u64>,
    ) -> Result<(), Fault> {
        if let Err(rejected) = pushed {
            return self.rejected(id, rejected);
        }
        if cfg!(meshrpc_fault = "start_before_end") && self.side == Side::Server {
            self.finish_request(id);
        }
        if end {
            self.end_inbound(id, total)?;
        }
        let readable =
            |stream: &Stream| stream.inbound.as_deref().is_some_and(Inbound::is_streaming);
        if self.streams.get(id).is_some_and(readable) {
            self.events.push_back(Event::Readable { id });
        }
        Ok(())
    }

    fn rejected(&mut self, id: u64, rejected: Rejected) -> Result<(), Fault> {
        match self.side {
            Side::Client => self.reply_rejected(id, rejected),
            Side::Server => self.request_rejected(id, rejected),
        }
    }

    fn end_inbound(&mut self, id: u64, total: Option<u64>) -> Result<(), Fault> {
        let Some(Stream {
            inbound: Some(inbound),
            kind,
            ..
        }) = self.streams.get_mut(id)
        else {
            return Ok(());
        };
        inbound.end(total)?;
        match self.side {
            Side::Client if kind.streams_in() => self.close_if_over(id),
            Side::Client => self.finish_reply(id),
            Side::Server if kind.streams_out() => self.close_if_over(id),
            Side::Server => self.finish_request(id),
        }
        Ok(())
    }

    fn receive_reset(&mut self, frame: &Frame) -> Result<(), Fault> {
        // The code is for people who look at the wire.
        if frame.payload.len() != 4 {
            return Err(Fault::Malformed("a reset has a wrong length"));
        }
        let Some(stream) = self.known(frame)? else {
            return Ok(());
        };
        let (answered, ended) = (stream.answered, stream.inbound_ended());
        match self.side {
            Side::Server => {
                if let Some(Stream {
                    inbound: Some(inbound),
                    broken,
                    ..
                }) = self.streams.get_mut(frame.stream)
                    && inbound.is_streaming()
                    && !inbound.ended
                {
                    let gone = Error::new(Kind::Cancelled, "the caller gave the call up");
                    *broken = Some(BrokenOff::Unread(gone));
                    self.events.push_back(Event::Readable { id: frame.stream });
                }
                self.caller_gone(frame.stream);
            }
            Side::Client if ended => self.stream_over(frame.stream),
            Side::Client => {
                let started = if answered {
                    Started::Yes
                } else {
                    Started::Unknown
                };
                let cause = Error::new(Kind::Cancelled, "the callee gave the call up");
                self.fail(frame.stream, started, cause);
            }
        }
        Ok(())
    }

    fn receive_credit(&mut self, frame: &Frame) -> Result<(), Fault> {
        let mut payload = frame.payload.clone();
        if payload.len() != 4 {
            return Err(Fault::Malformed("a credit has a wrong length"));
        }
        let grant = u64::from(payload.get_u32_le());
        if grant == 0 {
            self.brings_nothing()?;
        }
        if frame.stream == 0 {
            self.credit_asked = false;
            return self.send_credit.grant(grant).ok_or(Fault::FlowControl);
        }
        let Some(stream) = self.known(frame)? else {
            return Ok(());
        };
        let Some(credit) = stream
            .outbound
            .as_mut()
            .and_then(|outbound| outbound.credit.as_mut())
        else {
            return Err(Fault::Malformed(
                "credit for a direction that does not stream",
            ));
        };
        credit.grant(grant).ok_or(Fault::FlowControl)?;
        self.enqueue_bulk(frame.stream);
        Ok(())
    }

    /// The stream, `None` if it was forgotten.
    pub(super) fn known(&mut self, frame: &Frame) -> Result<Option<&mut Stream>, Fault> {
        let id = frame.stream;
        let seen = match self.side {
            Side::Client => id < self.next_id && id.is_multiple_of(2),
            Side::Server => id <= self.highest_seen && id.is_multiple_of(2),
        };
        if !seen {
            return Err(Fault::Malformed(
                "a frame of a stream that was never opened",
            ));
        }
        let stream = self.streams.get_mut(id);
        let stream = stream.filter(|it| !it.over || cfg!(meshrpc_fault = "late_frame_delivered"));
        match &stream {
            None => {
                self.counters.count(|counters| &mut counters.late_frames);
                // Bytes are paid for with credit.
                if frame.kind != Some(FrameType::Data) {
                    self.budget.spend(self.now)?;
                }
            }
            Some(stream) if self.side == Side::Client && !stream.counted => {
                return Err(Fault::Malformed(
                    "a frame of a stream that was never opened",
                ));
            }
            Some(_) => {}
        }
        Ok(stream)
    }

    pub(super) fn queue_credit(&mut self, stream: u64, grant: u32) {
        self.queue_frame(FrameType::Credit, Flags::default(), stream, |out| {
            out.put_u32_le(grant)
        });
    }

    /// Reads the next bytes of a streaming direction.
    pub fn read(&mut self, id: u64) -> Read {
        let Some(stream) = self.streams.get_mut(id) else {
            return Read::Broken(Error::new(Kind::Cancelled, "the stream is gone"));
        };
        if let Some(inbound) = &mut stream.inbound {
            if let Some((bytes, grant)) = inbound.pop() {
                let over = stream.over;
                let held = stream.held.min(bytes.len() as u64);
                stream.held -= held;
                self.holding.free(held);
                if let Some(grant) = grant
                    && !over
                {
                    self.queue_credit(id, grant);
                }
                return Read::Bytes(bytes);
            }
            if inbound.ended {
                return Read::End;
            }
        }
        match stream.broken.replace(BrokenOff::Told) {
            Some(BrokenOff::Unread(error)) => Read::Broken(error),
            Some(BrokenOff::Told) => {
                Read::Broken(Error::new(Kind::Cancelled, "the stream broke off"))
            }
            None => {
                stream.broken = None;
                Read::Pending
            }
        }
    }

    /// True while somebody reads, or may read, a streaming direction of this call.
    pub fn is_read(&self, id: u64) -> bool {
        self.streams.get(id).is_some_and(|stream| stream.reader)
    }

    /// True if nothing can be added to the answer of this call: it is complete, or forgotten.
    pub fn is_answered(&self, id: u64) -> bool {
        let finished = |outbound: &Outbound| outbound.finished;
        self.streams.get(id).is_none_or(|stream| {
            stream.sent_at_once || stream.outbound.as_deref().is_some_and(finished)
        })
    }

    /// Nobody reads the streaming direction any more.
    pub fn stop_reading(&mut self, id: u64) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        stream.reader = false;
        let ended = stream.inbound_ended();
        if let Some(inbound) = &mut stream.inbound
            && inbound.is_streaming()
        {
            inbound.discard();
            self.holding.free(mem::take(&mut stream.held));
        }
        if stream.over {
            self.remove_if_unused(id);
        } else if self.side == Side::Client && !ended {
            self.cancel(id);
        } else {
            self.stop_unread_request(id);
        }
    }

    /// Server: the answer is complete and nobody reads the rest of a streaming request: tells the
    /// client to stop, which would else wait for credit.
    pub(super) fn stop_unread_request(&mut self, id: u64) {
        let Some(stream) = self.streams.get(id) else {
            return;
        };
        let unread = stream.kind.streams_out() && !stream.reader && !stream.inbound_ended();
        if self.side == Side::Server && unread && stream.outbound_ended() && !stream.over {
            self.reset(id, ResetCode::Answered);
            self.stream_over(id);
        }
    }

    /// Ends the life of a stream whose two directions are over.
    pub(super) fn close_if_over(&mut self, id: u64) {
        if self
            .streams
            .get(id)
            .is_some_and(|stream| stream.inbound_ended() && stream.outbound_ended())
        {
            self.stream_over(id);
        }
    }

    /// Nothing more is sent or taken for this stream; it stays only as long as somebody reads.
    pub(super) fn stream_over(&mut self, id: u64) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        if stream.over {
            return;
        }
        stream.over = true;
        if let Some(outbound) = &mut stream.outbound {
            outbound.abandon();
        }
        if stream.counted {
            stream.counted = false;
            self.open -= 1;
        }
        if stream.refused {
            stream.refused = false;
            self.refused -= 1;
        }
        if stream.writer {
            self.events.push_back(Event::Writable { id });
        }
        self.remove_if_unused(id);
    }

    /// Forgets a call that was one frame each way and has both. Nothing of it outlives that, and no
    /// bytes are held for it any more.
    pub(super) fn forget_small(&mut self, id: u64) {
        self.streams.forget(id);
        self.open -= 1;
        self.end_if_done();
    }

    fn remove_if_unused(&mut self, id: u64) {
        if self.streams.get(id).is_some_and(|stream| {
            !stream.reader
                || !stream
                    .inbound
                    .as_ref()
                    .is_some_and(|inbound| inbound.is_streaming())
        }) {
            self.remove(id);
        }
    }

    /// Forgets a stream.
    pub(super) fn remove(&mut self, id: u64) {
        if let Some(stream) = self.streams.remove(id) {
            self.holding.free(stream.held);
            if stream.counted {
                self.open -= 1;
            } else if let Ok(place) = self.waiting.binary_search(&id) {
                // Ids wait in the order in which they were given out.
                self.waiting.remove(place);
            }
        }
        self.end_if_done();
    }
}
