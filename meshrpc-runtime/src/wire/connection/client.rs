//! Calls that this side makes.

use std::{
    num::NonZeroU64,
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes};

use super::{
    super::{
        body::Body,
        direction::{Inbound, Outbound, Rejected},
        excess,
        fault::Fault,
        frame::{Flags, Frame, FrameType},
        head::{OpenHead, Status},
        hello::Limits,
        layout::{self, HeadError},
    },
    Connection, Event, Failure, Phase, Refusal, Side,
    stream::{BrokenOff, Stream},
};
use crate::error::{Code, Error, Kind, Limit, Started};

/// Longest trace context that is sent, in bytes.
const MAX_TRACE: usize = 256;

/// Why a RESET was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum ResetCode {
    /// The caller does not want the answer any more.
    Cancelled = 0,
    /// The answer made the request's rest pointless.
    Answered = 1,
    /// The answer is too large, or not to be understood.
    Unusable = 2,
}

impl Connection {
    /// Starts a call. Its request is `body`, or what is written to the stream if the kind streams
    /// out. Over the peer's `max_streams` the call waits here.
    pub fn call(
        &mut self,
        mut head: OpenHead,
        body: impl Into<Body>,
        deadline: Option<Instant>,
        now: Instant,
    ) -> Result<u64, Refusal> {
        debug_assert_eq!(self.side, Side::Client);
        self.now = now;
        let goes_on = cfg!(meshrpc_fault = "opens_after_go_away");
        if self.phase != Phase::Open || self.ending.has_begun() && !goes_on {
            return Err(Refusal::Closing);
        }
        let body = body.into();
        if let Err(error) = self.check(&head, body.len() as u64, deadline, now) {
            let limit = Limit::MessageSize;
            if error.kind() == (Kind::Refused { limit }) {
                self.counters
                    .count(|counters| &mut counters.oversized_messages);
            }
            return Err(Refusal::Call(error));
        }

        // Longer, it is no trace context, and nothing that a call should fail for.
        head.trace = head.trace.filter(|trace| trace.len() <= MAX_TRACE);
        let id = self.next_id;
        self.next_id += 2;
        self.budget.call();
        self.note_deadline(deadline);
        let mut stream = Stream::new(head.kind, deadline);
        stream.writer = head.kind.streams_out();
        stream.reader = head.kind.streams_in();
        if self.open < self.peer_limits.max_streams
            && self.waiting.is_empty()
            && !head.kind.streams_out()
            && body.len() <= first_room(&self.peer_limits, &head)
        {
            head.time_left = time_left(deadline, now);
            self.open_at_once(id, stream, &head, body);
            return Ok(id);
        }
        let mut outbound = if head.kind.streams_out() {
            Outbound::streaming(self.peer_limits.stream_window)
        } else {
            Outbound::buffered()
        };
        outbound.finished = !head.kind.streams_out();
        body.into_pieces().for_each(|piece| outbound.queue(piece));
        stream.outbound = Some(Box::new(outbound));
        stream.head = Some(Box::new(head));
        self.streams.insert(id, stream);
        self.waiting.push_back(id);
        self.open_waiting(now);
        Ok(id)
    }

    /// The caller does not want the call any more. Its stream is forgotten.
    pub fn cancel(&mut self, id: u64) {
        if self.streams.get(id).is_some_and(|stream| !stream.over) {
            self.reset(id, ResetCode::Cancelled);
        }
        self.remove(id);
    }

    fn check(
        &self,
        head: &OpenHead,
        len: u64,
        deadline: Option<Instant>,
        now: Instant,
    ) -> Result<(), Error> {
        let refused = |limit, message| Err(Error::new(Kind::Refused { limit }, message));
        if let Err(excess) = excess::check_metadata(&head.metadata) {
            return refused(Limit::Metadata, format!("the call has {excess}"));
        }
        if let Some(key) = &head.session
            && let Err(excess) = excess::check_session_key(key)
        {
            return refused(Limit::SessionKey, excess.to_string());
        }
        if len > self.peer_limits.max_message {
            let max = self.peer_limits.max_message;
            let message = format!(
                "the request has {len} bytes, the callee takes {max} \
                 (`Limits::max_message` of its server)"
            );
            return refused(Limit::MessageSize, message);
        }
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Err(deadline_exceeded(Started::No));
        }
        Ok(())
    }

    /// Whether a call waits, and the peer has room.
    pub(super) fn may_open_waiting(&self) -> bool {
        self.open < self.peer_limits.max_streams
            && !self.waiting.is_empty()
            && !cfg!(meshrpc_fault = "waiting_call_lost")
    }

    /// Opens calls that wait, while the peer has room.
    pub(super) fn open_waiting(&mut self, now: Instant) {
        while self.open < self.peer_limits.max_streams
            && let Some(id) = self.waiting.pop_front()
        {
            self.open_now(id, now);
        }
    }

    /// Opens a call whose whole request goes with it.
    fn open_at_once(&mut self, id: u64, mut stream: Stream, head: &OpenHead, body: Body) {
        self.queue_frame(FrameType::Open, Flags::END, id, |out| {
            layout::put_open(out, head);
            body.put(out);
        });
        self.note_small_frame();
        self.open += 1;
        stream.counted = true;
        stream.sent_at_once = true;
        stream.starts_at = NonZeroU64::new(self.queued_to);
        self.streams.insert(id, stream);
    }

    fn open_now(&mut self, id: u64, now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        let (Some(mut head), Some(outbound)) = (stream.head.take(), stream.outbound.as_mut())
        else {
            return;
        };
        stream.counted = true;
        self.open += 1;
        head.time_left = time_left(stream.deadline, now);

        let len = outbound.queued();
        let buffered = !stream.kind.streams_out();
        let first = if buffered {
            outbound.take_first(first_room(&self.peer_limits, &head))
        } else {
            Bytes::new()
        };
        let small = outbound.end_sent;
        if buffered && !small {
            head.body_len = Some(len as u64);
        }
        let flags = if small { Flags::END } else { Flags::default() };
        self.queue_frame(FrameType::Open, flags, id, |out| {
            layout::put_open(out, &head);
            out.put_slice(&first);
        });
        if small {
            self.note_small_frame();
        }
        let queued_to = self.queued_to;
        if let Some(stream) = self.streams.get_mut(id)
            && (small || !buffered)
        {
            stream.starts_at = NonZeroU64::new(queued_to);
        }
        self.enqueue_bulk(id);
    }

    pub(super) fn receive_reply(&mut self, frame: &Frame) -> Result<(), Fault> {
        let limits = self.limits;
        let Some(stream) = self.known(frame)? else {
            return Ok(());
        };
        if stream.answered {
            return Err(Fault::Malformed("a second reply to a call"));
        }
        stream.answered = true;
        let end = frame.flags.contains(Flags::END);
        let (head, hint, body) = match layout::reply_head(&frame.payload) {
            Ok((head, hint, len)) => (head, hint, layout::body_after(&frame.payload, len)),
            Err(HeadError::Fault(fault)) => return Err(fault),
            Err(HeadError::Refuse(why)) => {
                let cause = Error::new(Kind::Protocol, format!("the reply has {why}"));
                self.fail_unusable(frame.stream, cause);
                return Ok(());
            }
        };
        let streams = stream.kind.streams_in();
        if end && !streams && body.len() <= limits.first_frame() {
            let id = frame.stream;
            stream.came_at_once = true;
            let is_small = stream.is_small();
            self.events.push_back(Event::Reply { id, head, body });
            if is_small {
                self.note_small_call();
                self.forget_small(id);
            } else {
                self.answered(id);
            }
            return Ok(());
        }
        let inbound = if streams {
            Inbound::streaming(limits.stream_window)
        } else {
            let spare = self.spare_pages.place(hint, self.now);
            Inbound::buffered(hint, limits.max_message, spare)
        };
        let Some(stream) = self.streams.get_mut(frame.stream) else {
            return Ok(());
        };
        stream.inbound = Some(Box::new(inbound));
        if streams {
            self.events.push_back(Event::ReplyStarted {
                id: frame.stream,
                head,
            });
        } else {
            stream.reply = Some(head);
        }
        if end {
            self.note_small_frame();
        }
        self.receive_first(frame.stream, body, end)
    }

    /// The whole of a buffered reply is there.
    pub(super) fn finish_reply(&mut self, id: u64) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        let Some(inbound) = &mut stream.inbound else {
            return;
        };
        let body = inbound.take_body();
        if let Some(head) = stream.reply.take() {
            self.events.push_back(Event::Reply { id, head, body });
        }
        self.answered(id);
    }

    pub(super) fn receive_status(&mut self, frame: &Frame) -> Result<(), Fault> {
        let (status, sent) = layout::parse_status(frame.payload.clone())?;
        if !frame.flags.contains(Flags::END) {
            return Err(Fault::Malformed("a status that ends nothing"));
        }
        let Some(stream) = self.known(frame)? else {
            return Ok(());
        };
        if stream.inbound_ended() {
            return Err(Fault::Malformed("a status after the end of a direction"));
        }
        if sent != stream.received() {
            return Err(Fault::Malformed("a direction's bytes do not add up"));
        }
        if status.code.is_none() && (!stream.answered || !stream.kind.streams_in()) {
            return Err(Fault::Malformed("a success without a reply"));
        }
        if status.code.is_none() {
            if let Some(inbound) = &mut stream.inbound {
                inbound.end(None)?;
            }
            self.events.push_back(Event::Readable { id: frame.stream });
            self.answered(frame.stream);
            return Ok(());
        }
        if stream.answered && stream.kind.streams_in() {
            stream.broken = Some(BrokenOff::Unread(status_error(&status)));
        }
        let failure = Failure::Status(Box::new(status));
        self.events.push_back(Event::Failed {
            id: frame.stream,
            failure,
        });
        self.answered(frame.stream);
        Ok(())
    }

    /// The server said its last word: what is unsent of the request is not needed.
    fn answered(&mut self, id: u64) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        if stream.outbound_ended() {
            self.stream_over(id);
        } else {
            self.reset(id, ResetCode::Answered);
            self.stream_over(id);
        }
    }

    /// The reply cannot be used: the caller gets an error, the server is told to stop.
    pub(super) fn fail_unusable(&mut self, id: u64, cause: Error) {
        self.reset(id, ResetCode::Unusable);
        self.fail(id, Started::Yes, cause);
    }

    /// Bytes of a reply that were not taken.
    pub(super) fn reply_rejected(&mut self, id: u64, rejected: Rejected) -> Result<(), Fault> {
        match rejected {
            Rejected::Fault(fault) => Err(fault),
            Rejected::TooLarge => {
                self.counters
                    .count(|counters| &mut counters.oversized_messages);
                let max = self.limits.max_message;
                let message = format!(
                    "the reply has more than {max} bytes, the largest that this side takes \
                     (`ClientLimits::max_message` of its mesh)"
                );
                let cause = Error::new(
                    Kind::Refused {
                        limit: Limit::MessageSize,
                    },
                    message,
                );
                self.fail_unusable(id, cause);
                Ok(())
            }
        }
    }

    /// Ends a call with an error, if it is not over.
    pub(super) fn fail(&mut self, id: u64, started: Started, cause: Error) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        if stream.over {
            return;
        }
        if stream.answered && stream.kind.streams_in() {
            let copy = Error::new(cause.kind(), cause.to_string()).with_started(started);
            stream.broken = Some(BrokenOff::Unread(copy));
        }
        let cause = cause.with_started(started);
        self.events.push_back(Event::Failed {
            id,
            failure: Failure::Lost { started, cause },
        });
        self.stream_over(id);
    }

    /// Sends RESET for a call whose OPEN was queued.
    pub(super) fn reset(&mut self, id: u64, code: ResetCode) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        if let Some(outbound) = &mut stream.outbound {
            outbound.abandon();
        }
        if !stream.counted || cfg!(meshrpc_fault = "reset_forgotten") {
            return;
        }
        self.queue_frame(FrameType::Reset, Flags::default(), id, |out| {
            out.put_u32_le(code as u32);
        });
    }
}

pub(super) fn deadline_exceeded(started: Started) -> Error {
    Error::new(Kind::DeadlineExceeded, "the call's deadline passed").with_started(started)
}

fn status_error(status: &Status) -> Error {
    Error::new(Kind::Remote, status.message.clone())
        .with_code(status.code.unwrap_or(Code::Unknown))
        .with_started(Started::Yes)
        .with_relayed(status.relayed)
}

fn time_left(deadline: Option<Instant>, now: Instant) -> Option<Duration> {
    deadline.map(|deadline| deadline.saturating_duration_since(now))
}

/// Body bytes that OPEN may carry.
fn first_room(limits: &Limits, head: &OpenHead) -> usize {
    let room = (limits.max_frame as usize).saturating_sub(head_len_bound(head));
    room.min(limits.inline_max as usize)
}

/// More bytes than the head takes.
fn head_len_bound(head: &OpenHead) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, |text| text.len() + 4);
    let metadata: usize = head
        .metadata
        .iter()
        .map(|(key, value)| key.len() + value.len() + 5)
        .sum();
    64 + text(&head.trace) + text(&head.session) + metadata
}
