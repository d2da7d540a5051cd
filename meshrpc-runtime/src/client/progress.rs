//! What a call has been through, and what follows.

use std::{
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

#[cfg(feature = "http")]
use bytes::Bytes;

#[cfg(feature = "http")]
use crate::connection::{SendStream, StreamReply};
use crate::{
    client::{
        Answer, Outgoing,
        answer::Origin,
        pool::{Lane, Pick},
        retry::{Attempt, Decision, Failure, Next, decide},
    },
    connection::{self, CallFailure, NotTaken},
    context::Context,
    error::{Code, Error, Kind, Limit, Started},
    wire::{CallKind, Codec, OpenHead, Reason, Status, buffers, check_session_key},
};

/// How long a session's own instance is waited for while it is being dialled.
const PATIENCE: Duration = Duration::from_millis(250);
/// Upper bound of the first pause between attempts; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Upper bound of every pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What a call has been through so far.
pub(super) struct Progress<'a> {
    outgoing: &'a Outgoing<'a>,
    /// When it began; until it has waited for something.
    began: Option<Instant>,
    /// When the call ends.
    pub(super) deadline: Option<Instant>,
    /// When an instance must have been found: a stream may last for ever, the search may not.
    search_ends: Option<Instant>,
    pub(super) attempt: Attempt,
    /// The attempt's number before this one, which it has again if this one does not count.
    before: u8,
    /// Instances that the next choice leaves out: name and boot.
    left_out: Vec<(Arc<str>, u64)>,
    /// Pauses made, which space further ones.
    pauses: u32,
    /// Waiting for the session's own instance ends here.
    patience: Option<Instant>,
    field_named: bool,
    /// An attempt that may have run failed before: no later failure may say "not started".
    may_have_run: bool,
    last: Option<Error>,
}

/// A streaming call that an instance was given.
#[cfg(feature = "http")]
pub(super) struct Opened {
    pub(super) lane: Arc<Lane>,
    pub(super) out: SendStream,
    pub(super) reply: StreamReply,
}

impl<'a> Progress<'a> {
    pub(super) fn new(outgoing: &'a Outgoing<'a>, context: &Context) -> Result<Self, Error> {
        let (channel, method) = (outgoing.channel, outgoing.method);
        if let Some(Err(excess)) = outgoing.key().map(check_session_key) {
            let limit = Limit::SessionKey;
            return Err(Error::new(Kind::Refused { limit }, excess.to_string()));
        }
        let now = connection::now();
        let default = channel.pool.default_deadline;
        let deadline = channel.options.ends(method.deadline, default, context, now);
        let search_ends = match method.kind {
            CallKind::Unary => deadline,
            _ => {
                let search = default.and_then(|time| now.checked_add(time));
                [deadline, search].into_iter().flatten().min()
            }
        };
        let attempt = Attempt {
            idempotent: method.idempotent,
            retries: channel.options.retries,
            codec: Codec::Positional,
            number: 0,
            most: channel.pool.shared.limits.max_attempts,
            unknown_before: false,
        };
        let progress = Self {
            outgoing,
            began: Some(now),
            deadline,
            search_ends,
            attempt,
            before: 0,
            left_out: Vec::new(),
            pauses: 0,
            patience: outgoing.key().map(|_| now + PATIENCE),
            field_named: false,
            may_have_run: false,
            last: None,
        };
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Err(progress.too_late(now));
        }
        Ok(progress)
    }

    /// The instance to call next.
    pub(super) async fn next_lane(&mut self) -> Result<Arc<Lane>, Error> {
        self.before = self.attempt.number;
        match self.pick(self.now(), false) {
            Pick::Chosen(lane) => Ok(lane),
            _ => self.wait().await,
        }
    }

    /// The time, which does not pass before something is waited for.
    fn now(&self) -> Instant {
        self.began.unwrap_or_else(connection::now)
    }

    /// The same, when so many bytes of arguments were written.
    pub(super) fn sending_at(&self, bytes: usize) -> Instant {
        match bytes > buffers::SHORT {
            true => connection::now(),
            false => self.now(),
        }
    }

    /// A connection that closes is left out; a call that cannot be made as it is has failed.
    pub(super) fn not_taken(&mut self, lane: &Lane, not_taken: NotTaken) -> Result<(), Error> {
        match not_taken {
            NotTaken::Closing => {
                self.leave_out(lane);
                Ok(())
            }
            NotTaken::Call(error) => {
                Err(self.marked(error).with_instance(self.origin(lane).instance))
            }
        }
    }

    /// Gives a streaming call to an instance.
    #[cfg(feature = "http")]
    pub(super) async fn open(&mut self, context: &Context) -> Result<Opened, Error> {
        loop {
            let lane = self.next_lane().await?;
            let head = self.head(Codec::FieldNamed, context);
            match lane.connection.stream(head, Bytes::new(), self.deadline) {
                Ok((out, reply)) => {
                    self.attempt.number = self.attempt.number.saturating_add(1);
                    return Ok(Opened { lane, out, reply });
                }
                Err(not_taken) => self.not_taken(&lane, not_taken)?,
            }
        }
    }

    /// The callee asked for the arguments with field names.
    #[cfg(feature = "gateway")]
    pub(super) fn wants_field_names(&self) -> bool {
        self.field_named
    }

    /// The failure of the last attempt, as the call's own.
    pub(super) fn take_last(&mut self) -> Error {
        let unavailable = || Error::new(Kind::Unavailable, "the call was not made again");
        self.last.take().unwrap_or_else(unavailable)
    }

    fn pick(&self, now: Instant, anyone: bool) -> Pick<Arc<Lane>> {
        let pool = &self.outgoing.channel.pool;
        let snapshot = pool.snapshots.borrow();
        let usable =
            |lane: &Arc<Lane>| lane.connection.takes_calls() && (anyone || !self.is_left_out(lane));
        let found = match self.outgoing.key() {
            Some(key) => {
                let patient = self.patience.is_some_and(|end| now < end);
                pool.at_home(snapshot.for_session(key, patient, usable))
            }
            None => pool.next(&snapshot, usable).map(Pick::Chosen),
        };
        found.unwrap_or_else(|| snapshot.otherwise(now))
    }

    /// Waits for an instance that can be called, until the deadline.
    async fn wait(&mut self) -> Result<Arc<Lane>, Error> {
        self.began = None;
        // Only the callee's ignorance of the method is final when nobody else is there to ask.
        if self.attempt.unknown_before
            && let Some(error) = self.last.take()
        {
            return Err(error);
        }
        let mut snapshots = self.outgoing.channel.pool.snapshots.clone();
        loop {
            snapshots.mark_unchanged();
            let now = connection::now();
            let until = match self.pick(now, false) {
                Pick::Chosen(lane) => return Ok(lane),
                Pick::Never => return Err(self.unavailable()),
                Pick::Preferred => self.patience,
                Pick::EmptyUntil(end) => Some(end),
                Pick::Wait if !self.left_out.is_empty() => {
                    // Better the same instance again, a little later, than none.
                    if let Pick::Chosen(lane) = self.pick(now, true) {
                        self.left_out.clear();
                        self.pause(Duration::ZERO).await?;
                        if lane.connection.takes_calls() {
                            return Ok(lane);
                        }
                        continue;
                    }
                    None
                }
                Pick::Wait => None,
            };
            let ends = [until, self.search_ends].into_iter().flatten().min();
            let changed = match ends {
                Some(end) => tokio::time::timeout_at(end.into(), snapshots.changed()).await,
                None => Ok(snapshots.changed().await),
            };
            if matches!(changed, Ok(Err(_))) {
                let gone = "the runtime that opened the mesh is gone";
                return Err(self.marked(Error::new(Kind::Unavailable, gone)));
            }
            let now = connection::now();
            if self.search_ends.is_some_and(|end| end <= now) {
                return Err(self.too_late(now));
            }
        }
    }

    /// How the arguments are written for `lane`.
    pub(super) fn codec(&self, lane: &Lane) -> Option<Codec> {
        let codec = lane.codec(self.outgoing.channel.spec, self.outgoing.method)?;
        Some(if self.field_named {
            Codec::FieldNamed
        } else {
            codec
        })
    }

    pub(super) fn head(&mut self, codec: Codec, context: &Context) -> OpenHead {
        let method = self.outgoing.method;
        self.attempt.codec = codec;
        OpenHead {
            kind: method.kind,
            codec,
            method: method.key,
            schema: if codec == Codec::Positional {
                method.fingerprint() as u32
            } else {
                0
            },
            time_left: None,
            attempt: self.attempt.number.saturating_add(1),
            idempotent: method.idempotent,
            body_len: None,
            session: self.outgoing.key().map(str::to_owned),
            trace: context.trace().map(str::to_owned),
            metadata: self.outgoing.channel.options.metadata.clone(),
        }
    }

    /// What follows a failure: the end of the call, or how it is made again.
    pub(super) fn next(
        &mut self,
        lane: &Lane,
        failure: CallFailure,
    ) -> ControlFlow<Result<Answer, Error>, Next> {
        match &failure {
            CallFailure::Status(status) if is_unavailable(status) => lane.failure(),
            CallFailure::Status(_) => lane.success(),
            CallFailure::Lost { .. } => {}
        }
        let seen = match &failure {
            CallFailure::Status(status) => Failure::Status(status),
            CallFailure::Lost { started, cause } => Failure::Lost {
                started: *started,
                kind: cause.kind(),
            },
        };
        let decision = decide(seen, self.attempt);
        let (started, reason) = match &failure {
            CallFailure::Status(status) => (status.started, Some(status.reason)),
            CallFailure::Lost { started, .. } => (*started, None),
        };
        let budget = &self.outgoing.channel.pool.budget;
        let next = match decision {
            Decision::Again(next) if !next.budgeted || budget.withdraw(connection::now()) => next,
            _ => return ControlFlow::Break(self.end(lane, failure)),
        };
        tracing::debug!(
            deployment = self.outgoing.channel.deployment(),
            method = self.outgoing.method.name,
            instance = &*lane.name,
            ?started,
            ?reason,
            "call is made again"
        );
        self.attempt.unknown_before |= reason == Some(Reason::UnknownMethod);
        self.began = None;
        self.last = self.end(lane, failure).err();
        if !next.counted {
            self.attempt.number = self.before;
        }
        self.may_have_run |= started == Started::Unknown;
        ControlFlow::Continue(next)
    }

    /// Leaves the instance out if it is to be, and lets the time pass that has to.
    pub(super) async fn prepare(&mut self, lane: &Lane, next: Next) -> Result<(), Error> {
        if next.elsewhere {
            self.leave_out(lane);
        }
        self.field_named |= next.field_named;
        if next.counted || next.after > Duration::ZERO {
            self.pause(next.after).await?;
        }
        Ok(())
    }

    /// Waits `least` and a jittered, growing time, if the deadline leaves room for it.
    async fn pause(&mut self, least: Duration) -> Result<(), Error> {
        let bound = FIRST_PAUSE
            .saturating_mul(1 << self.pauses.min(16))
            .min(LONGEST_PAUSE);
        self.pauses += 1;
        let now = connection::now();
        let end = now.checked_add(least.saturating_add(bound.mul_f64(fastrand::f64())));
        let end = end.filter(|end| self.search_ends.is_none_or(|latest| *end < latest));
        let Some(end) = end else {
            // Waiting would only lose time: what is known now is what the caller gets.
            return Err(self.last.take().unwrap_or_else(|| self.too_late(now)));
        };
        tokio::time::sleep_until(end.into()).await;
        Ok(())
    }

    fn leave_out(&mut self, lane: &Lane) {
        self.left_out.push((Arc::clone(&lane.name), lane.epoch));
    }

    fn is_left_out(&self, lane: &Lane) -> bool {
        self.left_out
            .iter()
            .any(|(name, epoch)| *epoch == lane.epoch && *name == lane.name)
    }

    /// The last word on the call.
    fn end(&self, lane: &Lane, failure: CallFailure) -> Result<Answer, Error> {
        let origin = self.origin(lane);
        match failure {
            CallFailure::Status(mut status) => {
                if self.may_have_run && status.started == Started::No {
                    status.started = Started::Unknown;
                }
                // The other side knows the key only. One that serves no such contract was not asked.
                if status.reason == Reason::UnknownMethod && self.codec(lane).is_some() {
                    let contract = self.outgoing.channel.spec.name;
                    let method = self.outgoing.method.name;
                    status.message = format!("no method `{contract}/{method}` is served there");
                }
                Answer::of_status(status, origin)
            }
            CallFailure::Lost { started, cause } => {
                let error = cause.with_started(started);
                Err(self.marked(error).with_instance(origin.instance))
            }
        }
    }

    fn unavailable(&self) -> Error {
        let (kind, code) = self
            .fault()
            .unwrap_or((Kind::Unavailable, Code::Unavailable));
        let error = Error::new(kind, self.trouble()).with_code(code);
        self.marked(self.because(error))
    }

    fn too_late(&self, now: Instant) -> Error {
        let trouble = self.trouble();
        let message = match self.search_ends {
            Some(end) if self.attempt.number == 0 && self.last.is_none() && end <= now => {
                format!("the deadline passed before an instance could be called: {trouble}")
            }
            _ => format!("the deadline passed before the call could be made again: {trouble}"),
        };
        let late = (Kind::DeadlineExceeded, Code::DeadlineExceeded);
        let (kind, code) = self.fault().unwrap_or(late);
        self.marked(self.because(Error::new(kind, message).with_code(code)))
    }

    /// What keeps this client from every instance, if it is known.
    fn fault(&self) -> Option<(Kind, Code)> {
        let snapshot = self.outgoing.channel.pool.snapshots.borrow();
        snapshot.fault().map(|fault| (fault.kind, fault.code))
    }

    /// Why no instance can be called.
    fn trouble(&self) -> String {
        let channel = self.outgoing.channel;
        let snapshot = channel.pool.snapshots.borrow();
        snapshot.trouble(channel.deployment())
    }

    /// With the failure of the last attempt as its source.
    fn because(&self, error: Error) -> Error {
        match &self.last {
            Some(last) => error
                .with_source(last.to_string())
                .with_instance(last.instance().map(Arc::from)),
            None => error,
        }
    }

    fn marked(&self, error: Error) -> Error {
        let error = error.with_attempts(self.attempt.number.into());
        if self.may_have_run && error.started() == Started::No {
            return error.with_started(Started::Unknown);
        }
        error
    }

    pub(super) fn origin(&self, lane: &Lane) -> Origin {
        Origin {
            instance: Some(Arc::clone(&lane.name)),
            attempts: self.attempt.number.into(),
        }
    }
}

/// Whether the instance says that it cannot serve, for a reason of its own.
fn is_unavailable(status: &Status) -> bool {
    status.code == Some(Code::Unavailable) && !status.relayed && status.reason != Reason::Draining
}
