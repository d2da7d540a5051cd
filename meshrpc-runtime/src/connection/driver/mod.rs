//! The task of a connection.
//!
//! # Layout
//!
//! - `gathering`: whether others run before a write
//! - `read`: bytes become frames, and calls are handed over
//! - `write`: what is queued goes out

mod gathering;
mod read;
mod write;

use std::{
    collections::VecDeque,
    future::poll_fn,
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, Sleep, sleep_until, timeout},
};

use self::gathering::Gathering;
use super::{
    Io, Vouch, now,
    shared::{Aftermath, Life, Shared},
};
use crate::wire::{self, Arrived, Fault, Frame, FrameReader, Landing, Output, Peer};

/// How long, and how many bytes, a peer that was told why is still listened to before the close:
/// closing with bytes unread could take the answer away from it.
const FAREWELL: Duration = Duration::from_millis(500);
const FAREWELL_BYTES: usize = 256 << 10;

/// The task of a connection: spawn [`run`](Driver::run).
pub struct Driver<T> {
    io: T,
    vouch: Vouch<T>,
    shared: Arc<Shared>,
    reader: FrameReader,
    preface_seen: bool,
    peer: Option<Arc<Peer>>,
    input: BytesMut,
    /// A byte of the peer has come.
    heard: bool,
    frames: Vec<Frame>,
    /// Server: calls that arrived.
    calls: VecDeque<Arrived>,
    /// Calls that had been cancelled before the last read.
    cancelled_before: u64,
    /// A large chunk that is being read to where it stays.
    landing: Option<Landing>,
    /// Such a chunk was read, and another one is likely to follow.
    between_chunks: bool,
    output: Output,
    /// Bytes that were written and not yet reported to the wire.
    unreported: usize,
    /// Bytes were written since the stream was flushed.
    unflushed: bool,
    /// The task has yielded once so that others can add to what it is about to write.
    yielded: bool,
    gathering: Gathering,
    /// Calls were handed over, or callers woken, at the last turn.
    put_off: bool,
    /// Callers were woken at this turn, several of them.
    answered: bool,
    /// Once the connection is over, the timer is for what is left to write.
    parting: bool,
    timer: Pin<Box<Sleep>>,
    aftermath: Aftermath,
}

impl<T: Io> Driver<T> {
    pub(super) fn new(io: T, vouch: Vouch<T>, shared: Arc<Shared>) -> Self {
        let state = shared.lock();
        let reader = state.wire.frame_reader();
        let due = state.wire.poll_timeout().unwrap_or_else(now);
        drop(state);
        Self {
            io,
            vouch,
            shared,
            reader,
            preface_seen: false,
            peer: None,
            input: BytesMut::new(),
            heard: false,
            frames: Vec::new(),
            calls: VecDeque::new(),
            cancelled_before: 0,
            landing: None,
            between_chunks: false,
            output: Output::default(),
            unreported: 0,
            unflushed: false,
            yielded: false,
            gathering: Gathering::default(),
            put_off: false,
            answered: false,
            parting: false,
            timer: Box::pin(sleep_until(Instant::from_std(due))),
            aftermath: Aftermath::default(),
        }
    }

    /// Runs the connection to its end.
    ///
    /// # Errors
    /// What the peer did wrong, or what broke. A peer that closed in good order, or before it sent
    /// a byte, is no error.
    #[expect(
        clippy::manual_async_fn,
        reason = "the future of an `async fn` has room for its argument twice"
    )]
    pub fn run(mut self) -> impl Future<Output = Result<(), Fault>> + Send {
        async move {
            let fault = poll_fn(|cx| self.poll(cx)).await;
            self.shared.advance(Life::Gone(fault.clone()));
            if fault.farewell().is_some()
                || fault == Fault::NotMeshrpc
                || matches!(
                    fault,
                    Fault::Refused { .. } | Fault::Transport(io::ErrorKind::PermissionDenied, _)
                )
            {
                // On the heap: a connection that goes on has no room for its end.
                let _ = Box::pin(timeout(FAREWELL, self.part())).await;
            }
            match fault {
                Fault::Probe | Fault::Done | Fault::Closed | Fault::ClosedHere => Ok(()),
                fault => Err(fault),
            }
        }
    }

    /// Ends this side's direction and reads a little of what the peer had still to say.
    async fn part(&mut self) -> io::Result<()> {
        self.io.shutdown().await?;
        let mut rest = FAREWELL_BYTES;
        let mut sink = vec![0; 4096];
        while rest > 0 {
            match self.io.read(&mut sink).await? {
                0 => break,
                read => rest = rest.saturating_sub(read),
            }
        }
        Ok(())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        loop {
            let reads = self.shared.lock().wire.takes_frames();
            let read = if reads {
                self.poll_read(cx)
            } else {
                Poll::Pending
            };
            let dispatched = self.dispatch();
            let answered = mem::take(&mut self.answered);
            let untended = dispatched == Some(true) || answered;
            self.poll_timer(cx);
            if untended && !self.put_off {
                // The handlers' answers then leave together, or what the callers call next. A peer
                // that never pauses does not put writing off for ever.
                self.put_off = true;
                self.yielded |= answered;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            // The handlers that were begun come first, whatever else there is to read.
            let again = dispatched.is_some() && self.put_off;
            self.put_off = dispatched.is_some() || answered;
            let wrote = self.poll_write(cx, read.is_pending());
            if let Poll::Ready(Some(fault)) = wrote {
                return Poll::Ready(fault);
            }
            if let Poll::Ready(fault) = self.poll_parting(cx) {
                return Poll::Ready(fault);
            }
            if untended || again {
                // A handler that blocks its thread must not keep this task, or the runtime's I/O,
                // from going on: woken here, it stands in the queue that other workers take from,
                // and one of them is told to look.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            // Reading goes on while the peer takes nothing: if both sides waited for the other to
            // read first, they would wait for ever. Only answers that it leaves unread stop it.
            let waits = if reads {
                read.is_pending()
            } else {
                wrote.is_pending()
            };
            if waits {
                return Poll::Pending;
            }
        }
    }

    /// A connection that is over has a moment to write what is queued; a peer that does not read
    /// gets no more.
    fn poll_parting(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        let Some(fault) = self.shared.lock().wire.fault().cloned() else {
            return Poll::Pending;
        };
        if !self.parting {
            self.parting = true;
            self.timer.as_mut().reset(Instant::now() + FAREWELL);
        }
        ready!(self.timer.as_mut().poll(cx));
        Poll::Ready(fault)
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) {
        loop {
            let due = self
                .shared
                .lock()
                .wire
                .poll_timeout()
                .map(Instant::from_std);
            let Some(due) = due else { return };
            // A timer that fires too early finds nothing due and is set again; so it is only moved
            // when it would fire too late.
            if due < self.timer.deadline() || self.timer.is_elapsed() {
                self.timer.as_mut().reset(due);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return;
            }
            if let Err(fault) = self.change(|wire| wire.handle_timeout(now())) {
                self.fail(fault);
            }
        }
    }

    fn fail(&mut self, fault: Fault) {
        self.change(|wire| wire.fail_with(fault));
    }

    /// Changes the state, which knows then what was written, and does what follows from it.
    fn change<R>(&mut self, change: impl FnOnce(&mut wire::Connection) -> R) -> R {
        let unreported = mem::take(&mut self.unreported);
        let mut state = self.shared.lock();
        state.wire.wrote(unreported);
        let result = change(&mut state.wire);
        state.take_calls(&mut self.calls);
        state.collect(&mut self.aftermath);
        if self.aftermath.wake.len() > 1 {
            // This task looks again when they have run, so none of them has to wake it.
            self.answered = true;
            state.signalled = true;
        }
        drop(state);
        self.shared.settle(&mut self.aftermath);
        result
    }
}

impl<T> Drop for Driver<T> {
    /// A task that is dropped, as when its runtime ends, leaves nobody waiting.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.wire.fail_with(Fault::ClosedHere);
        state.collect(&mut self.aftermath);
        drop(state);
        self.shared.settle(&mut self.aftermath);
        self.shared.advance(Life::Gone(Fault::ClosedHere));
    }
}
