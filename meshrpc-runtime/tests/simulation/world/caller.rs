//! What callers do.

use std::time::Duration;

use meshrpc::{
    Kind, Limit,
    wire::{Body, CallKind, Codec, OpenHead, Read, Refusal},
};

use super::{
    Check, World,
    call::{Answer, Call},
    payload::{Way, payload},
};

const KINDS: [CallKind; 6] = [
    CallKind::Unary,
    CallKind::Unary,
    CallKind::Unary,
    CallKind::ServerStream,
    CallKind::ClientStream,
    CallKind::BothStream,
];

impl World {
    pub(crate) fn make_call(&mut self) -> Check {
        if self.calls.len() >= self.setting.calls {
            return Ok(());
        }
        let kind = KINDS[self.rng.usize(0..KINDS.len())];
        let len = self.length();
        let with_deadline =
            self.setting.deadlines > 0 && self.rng.u32(0..self.setting.deadlines) == 0;
        let deadline = with_deadline.then(|| {
            let most = if self.rng.bool() { 10_000 } else { 4_000_000 };
            self.now + Duration::from_micros(self.rng.u64(0..most))
        });
        let number = self.calls.len() as u64;
        let buffered = !kind.streams_out();
        let body = if buffered {
            self.body(number, len)
        } else {
            Body::default()
        };
        let last = self.calls.last_key_value().map_or(0, |(last, _)| *last);
        let takes_calls = self.client.wire.takes_calls();
        match self.client.wire.call(head(kind), body, deadline, self.now) {
            Ok(id) if id % 2 != 0 || id <= last => {
                return Err(format!("a call got the id {id}, after {last}"));
            }
            Ok(id) => {
                self.trace(|| format!("call {id}: {kind:?}, {len} bytes, until {deadline:?}"));
                self.calls
                    .insert(id, Call::new(id, number, kind, len, deadline));
                self.tally.calls += 1;
                self.tally.waited += u64::from(self.client.wire.audit().waiting > 0);
            }
            Err(Refusal::Closing) if takes_calls => {
                return Err("a connection that takes calls refused one".into());
            }
            Err(Refusal::Closing) => {}
            Err(Refusal::Call(error)) => {
                let too_large = buffered && len > self.setting.server.max_message;
                let too_late = deadline.is_some_and(|deadline| deadline <= self.now);
                let is_right = match error.kind() {
                    Kind::Refused {
                        limit: Limit::MessageSize,
                    } => too_large,
                    Kind::DeadlineExceeded => too_late,
                    _ => false,
                };
                if !is_right {
                    return Err(format!("a call of {len} bytes was refused: {error}"));
                }
                self.tally.too_large += u64::from(too_large);
            }
        }
        self.events(super::Who::Client)
    }

    /// A length that a body may have: often short, sometimes long, sometimes nothing.
    pub(crate) fn length(&mut self) -> u64 {
        match self.rng.u8(0..8) {
            0 => 0,
            1..4 => self.rng.u64(0..=self.setting.longest.min(100)),
            _ => self.rng.u64(0..=self.setting.longest),
        }
    }

    /// A request in one piece or in several.
    fn body(&mut self, number: u64, len: u64) -> Body {
        let mut body = Body::default();
        let mut at = 0;
        while at < len {
            let end = if self.rng.bool() {
                len
            } else {
                self.rng.u64(at + 1..=len)
            };
            body.push(payload(number, Way::Request, at..end));
            at = end;
        }
        body
    }

    pub(crate) fn cancel(&mut self) -> Check {
        self.some(Call::is_awaited, World::give_up)
    }

    /// The caller drops the call.
    fn give_up(&mut self, id: u64) -> Check {
        self.trace(|| format!("call {id} is given up"));
        let opened = self.up.spy.highest_open(self.client.wire.audit().queued) >= id;
        self.client.wire.cancel(id);
        self.tally.cancelled += 1;
        self.with(id, |call| {
            call.cancelled = true;
            call.reader = false;
            call.said_not_started |= !opened;
        });
        self.events(super::Who::Client)
    }

    pub(crate) fn caller_writes(&mut self, id: u64) -> Check {
        let room = self.client.wire.write_room(id);
        let Some(call) = self.calls.get_mut(&id) else {
            return Ok(());
        };
        let left = call.request - call.written;
        match room {
            // Nobody takes it any more.
            None => call.writer = false,
            Some(0) => call.writer_waits = true,
            Some(_) if left == 0 => {}
            Some(_) => {
                let end = call.written + self.rng.u64(1..=left);
                let piece = payload(call.number, Way::Request, call.written..end);
                call.written = end;
                let written = self.client.wire.write(id, piece);
                written.map_err(|error| format!("a write into room failed: {error}"))?;
                self.trace(|| format!("call {id}: {end} bytes of the request are written"));
            }
        }
        self.events(super::Who::Client)
    }

    pub(crate) fn caller_finishes(&mut self, id: u64) -> Check {
        self.trace(|| format!("call {id}: the request is complete"));
        self.client.wire.finish(id);
        self.with(id, |call| {
            call.request = call.written;
            call.finished = true;
            call.writer = false;
        });
        self.events(super::Who::Client)
    }

    pub(crate) fn caller_reads(&mut self, id: u64) -> Check {
        let read = self.client.wire.read(id);
        let Some(call) = self.calls.get_mut(&id) else {
            return Ok(());
        };
        let answer = call.handler.as_ref().map(|handler| handler.answer);
        match read {
            Read::Bytes(bytes) => {
                let end = call.read + bytes.len() as u64;
                let Some(Answer::Stream { written, .. }) = answer else {
                    return Err(format!(
                        "call {id} reads a stream, the answer is {answer:?}"
                    ));
                };
                call.misread |=
                    end > written || bytes != payload(call.number, Way::Reply, call.read..end);
                if call.misread && !self.damaged {
                    return Err(format!("call {id} reads what was not written, up to {end}"));
                }
                call.read = end;
            }
            Read::End => {
                let complete = matches!(answer, Some(Answer::Stream { written, finished: true, .. })
                    if written == call.read && !call.misread);
                if !complete {
                    return Err(format!(
                        "call {id} read {} as the whole of {answer:?}",
                        call.read
                    ));
                }
                call.read_whole = true;
                call.ended = true;
                self.tally.streams_read_to_the_end += 1;
                self.trace(|| format!("call {id}: the reply was read to its end"));
            }
            Read::Broken(_) if call.failed => {
                self.tally.streams_broken_off += 1;
                return self.caller_stops_reading(id);
            }
            Read::Broken(error) => {
                return Err(format!(
                    "call {id} did not fail, its reply broke off: {error}"
                ));
            }
            Read::Pending if call.failed => {
                return Err(format!(
                    "call {id} failed, and its reply does not break off"
                ));
            }
            Read::Pending => call.reader_waits = true,
        }
        self.events(super::Who::Client)
    }

    pub(crate) fn caller_stops_reading(&mut self, id: u64) -> Check {
        self.trace(|| format!("call {id}: the reply is read no more"));
        self.client.wire.stop_reading(id);
        let audit = self.client.wire.audit();
        let writes_on = audit.streams.iter().any(|stream| stream.id == id);
        self.with(id, |call| {
            call.reader = false;
            // Where its end had come already, the request may go on.
            call.cancelled |= !call.ended && !writes_on;
            call.ended = true;
        });
        self.events(super::Who::Client)
    }

    pub(crate) fn caller_stops_writing(&mut self, id: u64) -> Check {
        self.with(id, |call| call.writer = false);
        if self.client.wire.write_room(id).is_some() {
            return self.give_up(id);
        }
        Ok(())
    }

    pub(crate) fn with(&mut self, id: u64, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.calls.get_mut(&id) {
            change(call);
        }
    }
}

fn head(kind: CallKind) -> OpenHead {
    OpenHead::new(kind, Codec::Positional, 1)
}
