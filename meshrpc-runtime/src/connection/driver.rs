//! The task of a connection.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, Sleep, sleep_until, timeout},
};

use super::{
    Io,
    incoming::{Incoming, IncomingBody, Responder},
    now,
    shared::{Aftermath, Life, Shared, wait},
    stream::RecvStream,
};
use crate::wire::{Event, Fault, Frame, FrameReader, Peer, take_preface};

/// Bytes asked for in one read.
const READ: usize = 64 << 10;
/// How long, and how many bytes, a peer that was told why is still listened to before the close:
/// closing with bytes unread could take the answer away from it.
const FAREWELL: Duration = Duration::from_millis(500);
const FAREWELL_BYTES: usize = 256 << 10;

/// The task of a connection: spawn [`run`](Driver::run).
pub struct Driver<T> {
    io: T,
    shared: Arc<Shared>,
    reader: FrameReader,
    preface_seen: bool,
    peer: Option<Arc<Peer>>,
    input: BytesMut,
    /// A byte of the peer has come.
    heard: bool,
    frames: Vec<Frame>,
    output: Vec<u8>,
    /// Bytes of `output` that were written.
    written: usize,
    /// Bytes that were written and not yet reported to the wire.
    unreported: usize,
    /// The task has yielded once so that others can add to what it is about to write.
    yielded: bool,
    /// The calls that came last were handed over without writing what was queued.
    put_off: bool,
    /// Once the connection is over, the timer is for what is left to write.
    parting: bool,
    timer: Pin<Box<Sleep>>,
    aftermath: Aftermath,
}

impl<T: Io> Driver<T> {
    pub(super) fn new(io: T, shared: Arc<Shared>) -> Self {
        let state = shared.lock();
        let reader = state.wire.frame_reader();
        let due = state.wire.poll_timeout().unwrap_or_else(now);
        drop(state);
        Self {
            io,
            shared,
            reader,
            preface_seen: false,
            peer: None,
            input: BytesMut::new(),
            heard: false,
            frames: Vec::new(),
            output: Vec::new(),
            written: 0,
            unreported: 0,
            yielded: false,
            put_off: false,
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
    pub async fn run(mut self) -> Result<(), Fault> {
        let fault = poll_fn(|cx| self.poll(cx)).await;
        self.shared.advance(Life::Gone(fault.clone()));
        if fault.farewell().is_some()
            || fault == Fault::NotMeshrpc
            || matches!(fault, Fault::Refused { .. })
        {
            let _ = timeout(FAREWELL, self.part()).await;
        }
        match fault {
            Fault::Probe | Fault::Done | Fault::Closed | Fault::ClosedHere => Ok(()),
            fault => Err(fault),
        }
    }

    /// Ends this side's direction and reads a little of what the peer had still to say.
    async fn part(&mut self) -> io::Result<()> {
        self.io.shutdown().await?;
        let mut rest = FAREWELL_BYTES;
        let mut sink = [0; 4096];
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
            self.poll_timer(cx);
            if dispatched && !self.put_off {
                // The handlers' answers then leave together. A peer that never pauses does not put
                // writing off for ever.
                self.put_off = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.put_off = false;
            let wrote = self.poll_write(cx, read.is_pending());
            if let Poll::Ready(Wrote::All(Some(fault))) = wrote {
                return Poll::Ready(fault);
            }
            if let Poll::Ready(fault) = self.poll_parting(cx) {
                return Poll::Ready(fault);
            }
            if dispatched {
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

    /// Reads once and applies what came. `Pending` if nothing is there.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.input.capacity() - self.input.len() < READ / 4 {
            self.input.reserve(READ);
        }
        let result = {
            let read = pin!(self.io.read_buf(&mut self.input));
            ready!(read.poll(cx))
        };
        match result {
            Ok(0) if self.is_probed() => self.fail(Fault::Probe),
            Ok(0) => self.fail(Fault::Closed),
            Ok(_) => {
                self.heard = true;
                if let Err(fault) = self.take_input() {
                    self.fail(fault);
                }
            }
            Err(error) if is_reset(&error) && self.is_probed() => self.fail(Fault::Probe),
            Err(error) => self.fail(Fault::transport(&error)),
        }
        Poll::Ready(())
    }

    /// Whether a peer that goes now was a health check of this server.
    fn is_probed(&self) -> bool {
        self.shared.dispatch.is_some() && !self.heard
    }

    /// Cuts frames off the input and applies them, all under one lock once the handshake is done.
    fn take_input(&mut self) -> Result<(), Fault> {
        if !self.preface_seen {
            if !take_preface(&mut self.input)? {
                return Ok(());
            }
            self.preface_seen = true;
            self.shared.lock().wire.preface_received();
        }
        while self.peer.is_none() {
            let Some(frame) = self.reader.next(&mut self.input)? else {
                return Ok(());
            };
            self.frames.push(frame);
            self.apply()?;
            self.reader = self.shared.lock().wire.frame_reader();
            self.peer = self.shared.peer.get().cloned();
        }
        let cut = loop {
            match self.reader.next(&mut self.input) {
                Ok(Some(frame)) => self.frames.push(frame),
                Ok(None) => break Ok(()),
                Err(fault) => break Err(fault),
            }
        };
        // What came before a bad frame is as good as ever.
        self.apply()?;
        if self.input.is_empty() {
            self.release_input();
        }
        cut
    }

    /// An idle connection holds no buffer.
    fn release_input(&mut self) {
        if self.shared.lock().wire.in_flight() == 0 {
            self.input = BytesMut::new();
        }
    }

    fn apply(&mut self) -> Result<(), Fault> {
        let now = now();
        let mut state = self.shared.lock();
        state.wire.wrote(std::mem::take(&mut self.unreported));
        let mut result = Ok(());
        for frame in self.frames.drain(..) {
            result = result.and_then(|()| state.wire.receive(&frame, now));
        }
        state.collect(&mut self.aftermath);
        drop(state);
        self.shared.settle(&mut self.aftermath);
        result
    }

    /// Hands over the calls that arrived; true if there were any.
    fn dispatch(&mut self) -> bool {
        let (Some(dispatch), Some(peer)) = (&self.shared.dispatch, &self.peer) else {
            return false;
        };
        let any = !self.aftermath.calls.is_empty();
        for event in self.aftermath.calls.drain(..) {
            let Event::Call {
                id,
                head,
                body,
                deadline,
            } = event
            else {
                continue;
            };
            let body = match body {
                Some(body) => IncomingBody::Buffered(body),
                None => IncomingBody::Stream(RecvStream::new(Arc::clone(&self.shared), id)),
            };
            let responder = Responder::new(Arc::clone(&self.shared), id);
            let peer = Arc::clone(peer);
            dispatch.dispatch(Incoming {
                head: *head,
                body,
                responder,
                deadline,
                peer,
            });
        }
        any
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
            let mut state = self.shared.lock();
            state.wire.wrote(std::mem::take(&mut self.unreported));
            let result = state.wire.handle_timeout(now());
            state.collect(&mut self.aftermath);
            drop(state);
            self.shared.settle(&mut self.aftermath);
            if let Err(fault) = result {
                self.fail(fault);
            }
        }
    }

    fn fail(&mut self, fault: Fault) {
        let unreported = std::mem::take(&mut self.unreported);
        let mut state = self.shared.lock();
        state.wire.wrote(unreported);
        state.wire.fail_with(fault);
        state.collect(&mut self.aftermath);
        drop(state);
        self.shared.settle(&mut self.aftermath);
    }

    /// Writes until nothing is left or the stream takes no more.
    fn poll_write(&mut self, cx: &mut Context<'_>, may_yield: bool) -> Poll<Wrote> {
        if self.written < self.output.len() {
            self.hold_requests_back();
        }
        loop {
            while self.written < self.output.len() {
                let rest = &self.output[self.written..];
                match Pin::new(&mut self.io).poll_write(cx, rest) {
                    Poll::Ready(Ok(0)) => self.broken(&io::ErrorKind::WriteZero.into()),
                    Poll::Ready(Ok(written)) => {
                        self.written += written;
                        self.unreported += written;
                    }
                    Poll::Ready(Err(error)) => self.broken(&error),
                    Poll::Pending => {
                        // Who ends the connection meanwhile has to know what left.
                        let written = std::mem::take(&mut self.unreported);
                        self.shared.lock().wire.wrote(written);
                        return Poll::Pending;
                    }
                }
            }
            self.output.clear();
            self.written = 0;

            let mut state = self.shared.lock();
            state.wire.wrote(std::mem::take(&mut self.unreported));
            let others = state.wire.in_flight() > 1;
            if may_yield && others && !self.yielded && state.wire.wants_transmit() {
                drop(state);
                self.yielded = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.yielded = false;
            state.wire.transmit(&mut self.output);
            state.collect(&mut self.aftermath);
            if self.output.is_empty() {
                state.signalled = false;
                wait(&mut state.driver, cx.waker());
                let fault = state.wire.fault().cloned();
                drop(state);
                self.shared.settle(&mut self.aftermath);
                self.output = Vec::new();
                return Poll::Ready(Wrote::All(fault));
            }
            drop(state);
            self.shared.settle(&mut self.aftermath);
        }
    }

    /// Nothing can be written any more.
    fn broken(&mut self, error: &io::Error) {
        self.fail(Fault::transport(error));
        self.write_no_more();
    }

    /// A client whose connection is over has told its callers which requests had not left: they
    /// must not leave now, though the peer may take bytes again. What was begun is not ended, so
    /// there can be no farewell behind it.
    fn hold_requests_back(&mut self) {
        let is_client = self.shared.dispatch.is_none();
        if is_client && self.shared.lock().wire.fault().is_some() {
            self.write_no_more();
        }
    }

    fn write_no_more(&mut self) {
        self.output.clear();
        self.shared.lock().wire.transmit(&mut self.output);
        self.output.clear();
        self.written = 0;
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

/// Some health checks close so that no state is left of the connection.
fn is_reset(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionReset
}

/// How far writing came.
enum Wrote {
    /// Everything; with the reason if the connection is over.
    All(Option<Fault>),
}
