//! What a core reports, held against what is known of the call.

use meshrpc::{
    Error, Kind, Limit, Started,
    wire::{Event, Failure, Fault, Frame, FrameType, OpenHead, Reason, Status},
};

use super::{
    Check, Who, World,
    call::{Answer, Call, Handler},
    payload::{Way, payload},
    spy::frames,
};

impl World {
    /// Takes what happened at a side.
    pub(crate) fn events(&mut self, who: Who) -> Check {
        while let Some(event) = self.side(who).wire.poll_event() {
            let told = match &event {
                Event::Reply { id, body, .. } => format!("call {id} has its reply, {}", body.len()),
                Event::Call { id, .. } => format!("call {id} arrives"),
                Event::Failed { id, failure } => format!("call {id} fails: {failure:?}"),
                event => format!("{event:?}"),
            };
            self.trace(|| format!("{who}: {told}"));
            match who {
                Who::Client => self.client_event(event)?,
                Who::Server => self.server_event(event)?,
            }
        }
        Ok(())
    }

    /// Notes what a frame will mean, before the core has it.
    pub(crate) fn foresee(&mut self, who: Who, frame: &Frame) -> Check {
        self.trace(|| {
            let kind = frame.kind;
            format!(
                "{who} takes {kind:?} {} {}",
                frame.stream,
                frame.payload.len()
            )
        });
        if who == Who::Client && frame.kind == Some(FrameType::Reply) {
            self.with(frame.stream, |call| call.reply_seen = true);
        }
        if who == Who::Client && frame.kind == Some(FrameType::GoAway) {
            let spy = &mut self.up.spy;
            let highest = spy.highest_open(self.client.wire.audit().queued);
            spy.opens_until.get_or_insert(highest);
        }
        Ok(())
    }

    /// After a final go-away: no call above its last id is waited for.
    pub(crate) fn disowned(&self, last: u64) -> Check {
        match self
            .calls_that(|call| call.is_awaited() && call.id > last)
            .first()
        {
            Some(id) => Err(format!(
                "call {id} is above the last id {last}, and goes on"
            )),
            None => Ok(()),
        }
    }

    /// Whether a core has reason to end its connection.
    pub(crate) fn blames(&mut self, who: Who, fault: &Fault) -> Check {
        let (begun, now) = (self.begun, self.now);
        let other_failed = match who {
            Who::Client => self.server.wire.fault().is_some(),
            Who::Server => self.client.wire.fault().is_some(),
        };
        let draining = self.ending;
        let side = self.side(who);
        let silent = now.saturating_duration_since(side.heard);
        let is_due = match fault {
            Fault::PingTimeout(limit) => silent >= *limit,
            Fault::HandshakeTimeout(limit) => now.saturating_duration_since(begun) >= *limit,
            Fault::GoneAway { .. } => other_failed || draining && who == Who::Client,
            Fault::Unproven => self.is_unproven(who, fault),
            _ => who.may_meet(fault),
        };
        if self.damaged {
            self.tally.damage_found += u64::from(!who.may_meet(fault));
        } else if !is_due || !who.may_meet(fault) {
            return Err(format!(
                "a well-behaved peer is blamed by the {who}: {fault}"
            ));
        }
        self.tally.ping_timeouts += u64::from(matches!(fault, Fault::PingTimeout(_)));
        Ok(())
    }

    fn client_event(&mut self, event: Event) -> Check {
        match event {
            Event::Reply { id, body, .. } => {
                let call = self.awaited(id)?;
                let answer = call.handler.as_ref().map(|handler| handler.answer);
                let Some(Answer::Whole(len)) = answer else {
                    return Err(format!("call {id} has a reply, the answer is {answer:?}"));
                };
                if body != payload(call.number, Way::Reply, 0..len) {
                    return Err(format!("call {id} has a reply that is not its own"));
                }
                call.ended = true;
                self.tally.replies += 1;
            }
            Event::ReplyStarted { id, .. } => {
                let call = self.awaited(id)?;
                let answer = call.handler.as_ref().map(|handler| handler.answer);
                if call.reader || !matches!(answer, Some(Answer::Stream { .. })) {
                    return Err(format!(
                        "call {id}'s reply begins, the answer is {answer:?}"
                    ));
                }
                call.reader = true;
            }
            Event::Failed { id, failure } => self.call_failed(id, &failure)?,
            Event::Readable { id } => self.with(id, |call| call.reader_waits = false),
            Event::Writable { id } => self.with(id, |call| call.writer_waits = false),
            Event::Connected(peer) => self.connects(Who::Client, &peer)?,
            Event::Closing => {}
            event => return Err(format!("the client reports {event:?}")),
        }
        Ok(())
    }

    fn awaited(&mut self, id: u64) -> Check<&mut Call> {
        match self.calls.get_mut(&id) {
            Some(call) if call.is_awaited() => Ok(call),
            _ => Err(format!(
                "call {id} has an answer, and had one, or was given up"
            )),
        }
    }

    fn call_failed(&mut self, id: u64, failure: &Failure) -> Check {
        // The reply of one that still sends may be whole, and read.
        let read = self.calls.get(&id).is_some_and(|call| {
            call.kind.streams_out() && call.kind.streams_in() && !call.failed && !call.cancelled
        });
        if !read {
            self.awaited(id)?;
        }
        let started = match failure {
            Failure::Status(status) => self.status_is_right(id, status)?,
            Failure::Lost { started, cause } => {
                self.loss_is_right(id, *started, cause)?;
                *started
            }
        };
        let server_fault = self.server.wire.fault().is_some();
        let Some(call) = self.calls.get_mut(&id) else {
            return Ok(());
        };
        let ran = call.handler.is_some();
        match started {
            Started::No if ran => return Err(format!("call {id} ran, and is said not to have")),
            Started::Yes if !ran => {
                return Err(format!(
                    "call {id} is said to have run ({server_fault}), and did not"
                ));
            }
            Started::No => call.said_not_started = true,
            _ => {}
        }
        call.failed = true;
        call.ended = true;
        call.reader_waits = false;
        call.writer_waits = false;
        Ok(())
    }

    fn status_is_right(&mut self, id: u64, status: &Status) -> Check<Started> {
        let max = self.setting.client.max_message;
        let now = self.now;
        let Some(call) = self.calls.get(&id) else {
            return Err(format!("call {id} was never made"));
        };
        let answer = call.handler.as_ref().map(|handler| handler.answer);
        let failed = call.handler.as_ref().is_some_and(|handler| handler.failed);
        let damaged = self.damaged;
        let no_room = self.server.wire.counters().unheld_calls > 0;
        let is_right = match (status.reason, status.started) {
            (Reason::Overloaded | Reason::TooLarge, _) if no_room => true,
            (Reason::Application, Started::Yes) => failed && status.message == format!("call {id}"),
            (Reason::TooLarge, Started::Yes) => {
                matches!(answer, Some(Answer::Whole(len)) if len > max)
            }
            (Reason::DeadlineExceeded, Started::No | Started::Yes) => {
                call.deadline.is_some_and(|deadline| deadline <= now)
            }
            (Reason::Overloaded, Started::No) => self.server.wire.counters().refused_streams > 0,
            _ => damaged,
        };
        if !is_right {
            return Err(format!(
                "call {id}, answered with {answer:?}, has {status:?}"
            ));
        }
        self.tally.over_the_budget += u64::from(no_room && status.reason != Reason::Application);
        self.tally.statuses += 1;
        self.tally.overloaded += u64::from(status.reason == Reason::Overloaded);
        self.tally.too_large += u64::from(status.reason == Reason::TooLarge);
        self.tally.expired += u64::from(status.reason == Reason::DeadlineExceeded);
        Ok(status.started)
    }

    /// What is said of a call without a last word must be what the bytes say that left.
    fn loss_is_right(&mut self, id: u64, started: Started, cause: &Error) -> Check {
        let Some(call) = self.calls.get(&id) else {
            return Err(format!("call {id} was never made"));
        };
        let said = self.up.spy.said(id);
        let audit = self.client.wire.audit();
        let expected = if cause.kind() == Kind::DeadlineExceeded {
            if call.deadline.is_none_or(|deadline| deadline > self.now) {
                return Err(format!("call {id} ends by its deadline before that"));
            }
            self.tally.expired += 1;
            let starts = |kind: u8, end: bool| {
                end || kind == FrameType::Open as u8 && call.kind.streams_out()
            };
            let queued = frames(audit.queued, self.up.spy.taken == 0)
                .any(|frame| frame.stream == id && starts(frame.kind, frame.end));
            match said.starts_at {
                _ if call.reply_seen => Started::Yes,
                Some(_) => Started::Unknown,
                None if queued => Started::Unknown,
                None => Started::No,
            }
        } else if cause.kind()
            == (Kind::Refused {
                limit: Limit::Draining,
            })
        {
            Started::No
        } else if self.client.wire.fault().is_some() {
            match said.starts_at {
                _ if call.reply_seen => Started::Yes,
                Some(at) if at <= self.client.reported => Started::Unknown,
                _ => Started::No,
            }
        } else if self.damaged {
            started
        } else {
            return Err(format!("call {id} ends for no reason: {cause}"));
        };
        if started != expected {
            return Err(format!(
                "call {id} is said to have started: {started:?}; by what left: {expected:?}"
            ));
        }
        match started {
            Started::No => self.tally.not_started += 1,
            Started::Yes => self.tally.started += 1,
            _ => self.tally.perhaps_started += 1,
        }
        Ok(())
    }

    fn server_event(&mut self, event: Event) -> Check {
        match event {
            Event::Call {
                id,
                head,
                body,
                deadline,
            } => {
                let call = self.arrives(id, &head)?;
                if body.is_some() == call.kind.streams_out()
                    || body.is_some_and(|body| {
                        body != payload(call.number, Way::Request, 0..call.request)
                    })
                {
                    return Err(format!("handler {id} has a request that is not its own"));
                }
                let streams = call.kind.streams_out();
                call.handler = Some(Handler {
                    deadline,
                    read: 0,
                    misread: false,
                    read_whole: false,
                    reader: streams,
                    reader_waits: false,
                    writer_waits: false,
                    answer: Answer::None,
                    failed: false,
                    cancelled: false,
                    ended: false,
                });
                let running = self.calls_that(Call::is_handled).len();
                let most = 2 * self.setting.server.max_streams as usize;
                if running > most {
                    return Err(format!("{running} handlers run, {most} may"));
                }
            }
            Event::Cancelled { id } => self.with_handler(id, |handler| {
                handler.cancelled = true;
                handler.reader_waits = false;
                handler.writer_waits = false;
            }),
            Event::Readable { id } => self.with_handler(id, |handler| handler.reader_waits = false),
            Event::Writable { id } => self.with_handler(id, |handler| handler.writer_waits = false),
            Event::Connected(peer) => self.connects(Who::Server, &peer)?,
            Event::Closing => {}
            event => return Err(format!("the server reports {event:?}")),
        }
        Ok(())
    }

    fn arrives(&mut self, id: u64, head: &OpenHead) -> Check<&mut Call> {
        let accepts_until = self.down.spy.accepts_until;
        let said = self.up.spy.said(id);
        let Some(call) = self.calls.get_mut(&id) else {
            return Err(format!("call {id} arrives, and was never made"));
        };
        let complaint = if call.handler.is_some() {
            "and had arrived"
        } else if call.said_not_started {
            "and its caller was told that it will not"
        } else if accepts_until.is_some_and(|last| id > last) {
            "after a go-away that disowns it"
        } else if said.starts_at.is_none() {
            "before its request is complete"
        } else if head.kind != call.kind || head.time_left.is_some() != call.deadline.is_some() {
            "with another head"
        } else {
            return Ok(call);
        };
        Err(format!("call {id} arrives, {complaint}"))
    }
}
