//! Calls that the peer makes.

use std::{mem, time::Instant};

use bytes::{BufMut, Bytes};

use super::{
    super::{
        body::Body,
        direction::{Inbound, Outbound, Rejected},
        excess,
        fault::Fault,
        frame::{Flags, Frame, FrameType},
        head::{Detail, Reason, ReplyHead, Status},
        layout::{self, HeadError},
    },
    Connection, Event,
    held::no_room,
    stream::{Stream, Streams},
};
use crate::error::Started;

impl Connection {
    pub(super) fn receive_open(&mut self, frame: &Frame, now: Instant) -> Result<(), Fault> {
        let id = frame.stream;
        if !id.is_multiple_of(2) {
            return Err(Fault::Malformed("a stream id of the wrong side"));
        }
        if id <= self.highest_seen {
            return Err(Fault::Malformed("a stream id that was used before"));
        }
        self.highest_seen = id;
        if self.ending.last_accepted().is_some_and(|last| id > last) {
            self.counters.count(|counters| &mut counters.late_frames);
            return self.budget.spend(now);
        }
        self.budget.call();
        let end = frame.flags.contains(Flags::END);
        let (head, body) = match layout::open_head(&frame.payload) {
            Ok((head, len)) => (head, layout::body_after(&frame.payload, len)),
            Err(HeadError::Fault(fault)) => return Err(fault),
            Err(HeadError::Refuse(why)) => {
                self.accept_to_refuse(id, layout::after_head(&frame.payload), end)?;
                let message = format!("the call has {why}");
                self.status(id, Status::refusal(Reason::Protocol, Started::No, message));
                return Ok(());
            }
        };
        let max = self.limits.max_streams;
        if self.open >= max || self.abandoned.len() >= max as usize {
            self.counters
                .count(|counters| &mut counters.refused_streams);
            self.accept_to_refuse(id, body, end)?;
            let message = format!(
                "{max} calls of this connection are under way, as many as the callee takes at a \
                 time (`Limits::max_streams` of its server)"
            );
            self.status(
                id,
                Status::refusal(Reason::Overloaded, Started::No, message),
            );
            return Ok(());
        }
        let bytes = frame.payload.len() as u64;
        let whole = bytes.max(head.body_len.unwrap_or(0));
        if let Err(full) = self.holding.take(bytes, whole, now) {
            self.counters.count(|counters| &mut counters.unheld_calls);
            self.accept_to_refuse(id, body, end)?;
            self.status(id, no_room(&full, Started::No));
            return Ok(());
        }

        let deadline = head.time_left.and_then(|left| now.checked_add(left));
        let mut stream = Stream::new(head.kind, deadline);
        stream.counted = true;
        stream.held = bytes;
        self.open += 1;
        self.note_deadline(deadline);
        if end && !head.kind.streams_out() && body.len() <= self.limits.first_frame() {
            self.note_small_frame();
            stream.came_at_once = true;
            stream.dispatched = true;
            self.streams.insert(id, stream);
            self.arrived(id, head, Some(body), deadline);
            return Ok(());
        }
        if head.kind.streams_out() {
            let inbound = Inbound::streaming(self.limits.stream_window);
            stream.inbound = Some(Box::new(inbound));
            stream.reader = true;
            stream.dispatched = true;
            self.streams.insert(id, stream);
            self.arrived(id, head, None, deadline);
        } else {
            let spare = self.spare_pages.place(head.body_len, now);
            let inbound = Inbound::buffered(head.body_len, self.limits.max_message, spare);
            stream.inbound = Some(Box::new(inbound));
            stream.head = Some(Box::new(head));
            self.streams.insert(id, stream);
            if end {
                self.note_small_frame();
            }
        }
        self.receive_first(id, body, end)
    }

    /// A stream that exists to be refused. Its request, if any is to come, is counted and dropped.
    fn accept_to_refuse(&mut self, id: u64, body: Bytes, end: bool) -> Result<(), Fault> {
        let max = self.limits.max_streams;
        if self.open.saturating_add(self.refused) >= max.saturating_mul(2) {
            return Err(Fault::TooManyStreams(max));
        }
        let mut stream = Stream::new(super::super::head::CallKind::Unary, None);
        stream.refused = true;
        self.refused += 1;
        let mut inbound = Inbound::buffered(None, 0, None);
        inbound.discard();
        stream.inbound = Some(Box::new(inbound));
        self.streams.insert(id, stream);
        self.receive_first(id, body, end)
    }

    /// The whole of a buffered request is there: the method may start.
    pub(super) fn finish_request(&mut self, id: u64) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        if stream.answered {
            self.close_if_over(id);
            return;
        }
        let (Some(head), Some(inbound)) = (stream.head.take(), &mut stream.inbound) else {
            return;
        };
        let body = inbound.take_body();
        stream.dispatched = true;
        let deadline = stream.deadline;
        self.arrived(id, *head, Some(body), deadline);
    }

    /// Bytes of a request that were not taken.
    pub(super) fn request_rejected(&mut self, id: u64, rejected: Rejected) -> Result<(), Fault> {
        match rejected {
            Rejected::Fault(fault) => Err(fault),
            Rejected::TooLarge => {
                self.counters
                    .count(|counters| &mut counters.oversized_messages);
                let max = self.limits.max_message;
                let message = format!(
                    "the request has more than {max} bytes, the largest that the callee takes \
                     (`Limits::max_message` of its server)"
                );
                self.status(id, Status::refusal(Reason::TooLarge, Started::No, message));
                Ok(())
            }
        }
    }

    /// Answers a call with a whole value. One larger than the peer takes becomes an error.
    pub fn reply(&mut self, id: u64, head: &ReplyHead, body: impl Into<Body>) {
        self.handler_ended(id);
        let body = body.into();
        let len = body.len();
        let limits = self.peer_limits;
        let Some(stream) = unanswered(&mut self.streams, id) else {
            return;
        };
        stream.answered = true;
        let streaming = |inbound: &Inbound| inbound.is_streaming();
        if !stream.inbound.as_deref().is_some_and(streaming) {
            self.holding.free(mem::take(&mut stream.held));
        }
        let too_large = match excess::check_metadata(&head.metadata) {
            Err(excess) => Some(format!("the reply has {excess}")),
            Ok(()) if len as u64 > limits.max_message => {
                let max = limits.max_message;
                Some(format!(
                    "the reply has {len} bytes, the caller takes {max} \
                     (`ClientLimits::max_message` of its mesh)"
                ))
            }
            Ok(()) => None,
        };
        if let Some(message) = too_large {
            self.counters
                .count(|counters| &mut counters.oversized_messages);
            self.last_word(id, Status::refusal(Reason::TooLarge, Started::Yes, message));
            return;
        }
        // A small one is bounded by what the peer may leave unread.
        if len > limits.inline_max as usize {
            if let Err(full) = self.holding.take(len as u64, len as u64, self.now) {
                self.counters.count(|counters| &mut counters.unheld_calls);
                self.last_word(id, no_room(&full, Started::Yes));
                return;
            }
            stream.held += len as u64;
        }
        let room = (limits.max_frame as usize).saturating_sub(layout::reply_head_bound());
        let room = room.min(limits.inline_max as usize);
        if len <= room {
            stream.sent_at_once = true;
            let is_small = stream.is_small();
            self.queue_frame(FrameType::Reply, Flags::END, id, |out| {
                layout::put_reply(out, head, None);
                body.put(out);
            });
            if is_small {
                self.note_small_call();
                self.forget_small(id);
            } else {
                self.close_if_over(id);
            }
            return;
        }
        let mut outbound = Outbound::buffered();
        outbound.finished = true;
        body.into_pieces().for_each(|piece| outbound.queue(piece));
        let first = outbound.take_first(room);
        stream.outbound = Some(Box::new(outbound));
        self.queue_frame(FrameType::Reply, Flags::default(), id, |out| {
            layout::put_reply(out, head, Some(len as u64));
            out.put_slice(&first);
        });
        self.enqueue_bulk(id);
    }

    /// Answers a call with a stream, which is written with [`write`](Self::write).
    pub fn reply_stream(&mut self, id: u64, head: &ReplyHead) {
        let window = self.peer_limits.stream_window;
        let Some(stream) = unanswered(&mut self.streams, id) else {
            return;
        };
        if !stream.kind.streams_in() {
            return;
        }
        stream.answered = true;
        if let Err(excess) = excess::check_metadata(&head.metadata) {
            self.counters
                .count(|counters| &mut counters.oversized_messages);
            let message = format!("the reply has {excess}");
            self.last_word(id, Status::refusal(Reason::TooLarge, Started::Yes, message));
            return;
        }
        stream.writer = true;
        stream.outbound = Some(Box::new(Outbound::streaming(window)));
        self.queue_frame(FrameType::Reply, Flags::default(), id, |out| {
            layout::put_reply(out, head, None);
        });
    }

    /// Answers a call with a status, or ends its streaming answer with one.
    pub fn status(&mut self, id: u64, status: Status) {
        self.handler_ended(id);
        let Some(stream) = self.streams.get(id) else {
            return;
        };
        if stream.over || stream.outbound_ended() && !cfg!(meshrpc_fault = "status_twice") {
            return;
        }
        self.last_word(id, status);
    }

    fn last_word(&mut self, id: u64, mut status: Status) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        stream.answered = true;
        let begun = || Box::new(Outbound::buffered());
        let outbound = stream.outbound.get_or_insert_with(begun);
        outbound.abandon();
        let sent = outbound.sent;
        if let Some(inbound) = &mut stream.inbound
            && !inbound.is_streaming()
        {
            if !inbound.ended {
                inbound.discard();
            }
            self.holding.free(mem::take(&mut stream.held));
        }
        fit(&mut status, self.peer_limits.max_frame as usize);
        self.queue_frame(FrameType::Status, Flags::END, id, |out| {
            layout::put_status(out, &status, sent);
        });
        self.note_small_frame();
        self.close_if_over(id);
    }

    /// The caller of a dispatched call is gone: the handler is to stop.
    pub(super) fn caller_gone(&mut self, id: u64) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        let handled = stream.dispatched && !stream.over && !stream.outbound_ended();
        let answers = stream.outbound.as_ref();
        let runs = handled && answers.is_none_or(|outbound| !outbound.finished);
        let held = match runs {
            true => mem::take(&mut stream.held),
            false => 0,
        };
        self.stream_over(id);
        if runs && !cfg!(meshrpc_fault = "handlers_uncounted") {
            self.abandoned.insert(id, held);
        }
        if handled {
            self.events.push_back(Event::Cancelled { id });
        }
    }

    /// Whether a call is over while its handler has still to say its end.
    pub fn is_abandoned(&self, id: u64) -> bool {
        self.abandoned.contains_key(&id)
    }

    /// Whether something is still to be sent or received for this call.
    pub fn is_open(&self, id: u64) -> bool {
        self.streams.get(id).is_some_and(|stream| !stream.over)
    }

    /// The handler of a call said its last word.
    pub(super) fn handler_ended(&mut self, id: u64) {
        // Nearly always there is none, and then nothing to hash.
        if !self.abandoned.is_empty()
            && let Some(held) = self.abandoned.remove(&id)
        {
            self.holding.free(held);
        }
    }

    /// Ends a call with a status of this side's own, and its handler if one runs.
    pub(super) fn stop(&mut self, id: u64, status: impl FnOnce(Started) -> Status) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        if stream.outbound_ended() {
            return;
        }
        let dispatched = stream.dispatched;
        let answers = stream.outbound.as_ref();
        let runs = dispatched && answers.is_none_or(|outbound| !outbound.finished);
        let held = match runs {
            true => mem::take(&mut stream.held),
            false => 0,
        };
        let started = match dispatched {
            true => Started::Yes,
            false => Started::No,
        };
        self.status(id, status(started));
        if runs {
            self.abandoned.insert(id, held);
        }
        if dispatched {
            self.events.push_back(Event::Cancelled { id });
        }
    }
}

fn unanswered(streams: &mut Streams, id: u64) -> Option<&mut Stream> {
    streams
        .get_mut(id)
        .filter(|stream| !stream.over && !stream.answered)
}

/// Makes a status fit one frame: an error value too large for it is left out, messages are cut.
fn fit(status: &mut Status, max_frame: usize) {
    if excess::check_metadata(&status.trailers).is_err() {
        status.trailers = super::super::head::Metadata::new();
    }
    let room = max_frame.saturating_sub(layout::status_overhead());
    match &mut status.detail {
        Detail::None => {}
        Detail::Typed { bytes, .. } if bytes.len() <= room => {}
        Detail::Typed { .. } => status.detail = Detail::None,
        Detail::Chain(chain) => {
            let mut left = room;
            for message in chain.iter_mut() {
                let cut = layout::cut(message, left.saturating_sub(4)).len();
                message.truncate(cut);
                left = left.saturating_sub(message.len() + 4);
            }
            chain.retain(|message| !message.is_empty());
        }
    }
}
