//! The state that a connection's task shares with callers and handlers.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::Waker,
    thread::LocalKey,
};

use tokio::{sync::watch, task::AbortHandle};

use super::{
    call::{CallFailure, Reply},
    incoming::Dispatch,
};
use crate::wire::{
    self, Arrived, Body, CallKind, Event, Failure, Fault, Kept, Peer, Places, ReplyHead, Ring,
    Status, buffers::Spare,
};

/// Shared by the driver, the handles and every call.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Server: where calls go.
    pub(super) dispatch: Option<Arc<dyn Dispatch>>,
    pub(super) life: watch::Sender<Life>,
    /// Whether the life is [`Life::Open`], for callers: they ask each time.
    pub(super) open: AtomicBool,
    /// Known once the handshake is done.
    pub(super) peer: OnceLock<Arc<Peer>>,
    /// Handles; the last one to go begins a client connection's end.
    pub(super) handles: AtomicUsize,
    /// Server: calls whose callers did not wait for their answers.
    pub(super) cancelled: AtomicU64,
}

/// Where a connection is in its life.
#[derive(Clone, Debug)]
pub(super) enum Life {
    /// The handshake is under way.
    Connecting,
    /// Calls are taken.
    Open,
    /// No new calls.
    Closing,
    /// It ended.
    Gone(Fault),
}

/// What is under the lock.
pub(super) struct State {
    pub(super) wire: wire::Connection,
    pub(super) slots: Ring<Slot>,
    /// The task, while it waits.
    pub(super) driver: Option<Waker>,
    /// The task was woken and has not looked yet.
    pub(super) signalled: bool,
}

/// What is remembered of a call beside its wire state.
#[derive(Default)]
pub(super) struct Slot {
    /// Client: how it ended, or the head of its streaming reply, until somebody takes it.
    pub(super) outcome: Option<Result<Outcome, CallFailure>>,
    /// Client: why a streaming reply broke off whose head nobody has taken yet.
    pub(super) broke: Option<Box<CallFailure>>,
    /// Who waits for the outcome.
    pub(super) caller: Option<Waker>,
    /// Who waits to read.
    pub(super) reader: Option<Waker>,
    /// Who waits to write.
    pub(super) writer: Option<Waker>,
    /// Server: the handler's task.
    pub(super) handler: Option<AbortHandle>,
}

/// What a caller waits for.
pub(super) enum Outcome {
    /// A whole reply.
    Reply(Reply),
    /// A streaming reply begins.
    Head(ReplyHead),
}

/// What is to be done once the lock is released.
#[derive(Default)]
pub(super) struct Aftermath {
    pub(super) wake: Vec<Waker>,
    pub(super) abort: Vec<AbortHandle>,
    pub(super) cancelled: u64,
    pub(super) life: Option<Life>,
    pub(super) peer: Option<Arc<Peer>>,
}

impl Shared {
    pub(super) fn new(wire: wire::Connection, dispatch: Option<Arc<dyn Dispatch>>) -> Arc<Self> {
        let state = State {
            wire,
            slots: Ring::default(),
            driver: None,
            signalled: false,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            dispatch,
            life: watch::Sender::new(Life::Connecting),
            open: AtomicBool::new(false),
            peer: OnceLock::new(),
            handles: AtomicUsize::new(0),
            cancelled: AtomicU64::new(0),
        })
    }

    /// A panic under the lock is a bug of ours that has already ended its own task; the others
    /// get what there is.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the wire's state, and tells everybody concerned.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut wire::Connection) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state.wire);
        let mut aftermath = Aftermath::default();
        state.collect(&mut aftermath);
        let driver = state.signal();
        drop(state);
        wake(driver);
        self.settle(&mut aftermath);
        result
    }

    /// Server: answers calls.
    pub(super) fn last_word(&self, answer: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        answer(&mut state);
        let mut aftermath = Aftermath::default();
        state.collect(&mut aftermath);
        let driver = state.signal();
        drop(state);
        wake(driver);
        self.settle(&mut aftermath);
    }

    /// Does what must not be done under the lock, except to dispatch calls.
    pub(super) fn settle(&self, aftermath: &mut Aftermath) {
        if let Some(peer) = aftermath.peer.take() {
            // A connection shakes hands once.
            let _ = self.peer.set(peer);
        }
        if let Some(life) = aftermath.life.take() {
            self.advance(life);
        }
        for waker in aftermath.wake.drain(..) {
            waker.wake();
        }
        if aftermath.cancelled > 0 {
            let cancelled = std::mem::take(&mut aftermath.cancelled);
            self.cancelled.fetch_add(cancelled, Ordering::Relaxed);
        }
        for handler in aftermath.abort.drain(..) {
            handler.abort();
        }
    }

    /// A life only goes forward.
    pub(super) fn advance(&self, life: Life) {
        self.life.send_if_modified(|current| {
            let forward = life.stage() > current.stage();
            if forward {
                *current = life;
                let open = matches!(current, Life::Open);
                self.open.store(open, Ordering::Release);
            }
            forward
        });
    }
}

thread_local! {
    static PLACES: Spare<Places<Slot>> = const { Spare::new(4) };
}

impl Kept for Slot {
    fn spare() -> &'static LocalKey<Spare<Places<Self>>> {
        &PLACES
    }
}

impl Life {
    fn stage(&self) -> u8 {
        match self {
            Life::Connecting => 0,
            Life::Open => 1,
            Life::Closing => 2,
            Life::Gone(_) => 3,
        }
    }
}

impl State {
    /// The driver, if it has to be woken because there is something to write.
    pub(super) fn signal(&mut self) -> Option<Waker> {
        if self.signalled {
            return None;
        }
        self.signalled = true;
        self.driver.take()
    }

    /// Server: answers a call with a value.
    pub(super) fn reply(&mut self, id: u64, head: &ReplyHead, body: impl Into<Body>) {
        self.wire.reply(id, head, body);
        self.forget_answered(id);
    }

    /// Server: answers a call with a status.
    pub(super) fn status(&mut self, id: u64, status: Status) {
        self.wire.status(id, status);
        self.forget_answered(id);
    }

    /// Server: the slot of an answered call is of no use to anybody but a reader.
    pub(super) fn forget_answered(&mut self, id: u64) {
        if self.slots.len() > 0 && !self.wire.is_read(id) {
            self.slots.remove(id);
        }
    }

    /// Server: the task that runs the handler of a call.
    pub(super) fn handled_by(&mut self, id: u64, task: AbortHandle) {
        match self.slots.get_mut(id) {
            Some(slot) => slot.handler = Some(task),
            None => {
                let handler = Some(task);
                let slot = Slot {
                    handler,
                    ..Slot::default()
                };
                self.slots.insert(id, slot);
            }
        }
    }

    /// Server: moves the calls that have arrived behind those in `calls`.
    pub(super) fn take_calls(&mut self, calls: &mut VecDeque<Arrived>) {
        let before = calls.len();
        self.wire.take_calls(calls);
        for call in calls.iter().skip(before) {
            // One with a message each way has nobody to wake, and mostly no task.
            if call.head.kind != CallKind::Unary {
                self.slots.insert(call.id, Slot::default());
            }
        }
    }

    /// Hands every event to the slot it concerns.
    pub(super) fn collect(&mut self, aftermath: &mut Aftermath) {
        while let Some(event) = self.wire.poll_other_event() {
            match event {
                Event::Connected(peer) => {
                    aftermath.peer = Some(peer);
                    aftermath.life = Some(Life::Open);
                }
                Event::Closing => aftermath.life = Some(Life::Closing),
                // The driver takes them.
                Event::Call { .. } => {}
                Event::Reply { id, head, body } => {
                    let reply = Reply {
                        codec: head.codec,
                        metadata: head.metadata,
                        body,
                    };
                    self.conclude(id, Ok(Outcome::Reply(reply)), aftermath);
                }
                Event::ReplyStarted { id, head } => {
                    self.conclude(id, Ok(Outcome::Head(head)), aftermath);
                }
                Event::Failed { id, failure } => {
                    self.conclude(id, Err(failure.into()), aftermath);
                    self.wake_streams(id, aftermath);
                }
                Event::Cancelled { id } => {
                    aftermath.cancelled += 1;
                    if let Some(slot) = self.slots.get_mut(id) {
                        aftermath.abort.extend(slot.handler.take());
                    }
                    self.wake_streams(id, aftermath);
                }
                Event::Readable { id } => {
                    aftermath
                        .wake
                        .extend(self.slots.get_mut(id).and_then(|slot| slot.reader.take()));
                }
                Event::Writable { id } => {
                    aftermath
                        .wake
                        .extend(self.slots.get_mut(id).and_then(|slot| slot.writer.take()));
                }
            }
        }
    }

    fn conclude(
        &mut self,
        id: u64,
        outcome: Result<Outcome, CallFailure>,
        aftermath: &mut Aftermath,
    ) {
        let Some(slot) = self.slots.get_mut(id) else {
            return;
        };
        match (&slot.outcome, outcome) {
            (None, outcome) => slot.outcome = Some(outcome),
            (Some(Ok(Outcome::Head(_))), Err(failure)) => slot.broke = Some(Box::new(failure)),
            (Some(_), _) => {}
        }
        aftermath.wake.extend(slot.caller.take());
    }

    fn wake_streams(&mut self, id: u64, aftermath: &mut Aftermath) {
        if let Some(slot) = self.slots.get_mut(id) {
            aftermath.wake.extend(slot.reader.take());
            aftermath.wake.extend(slot.writer.take());
        }
    }
}

impl From<Failure> for CallFailure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Status(status) => CallFailure::Status(status),
            Failure::Lost { started, cause } => CallFailure::Lost { started, cause },
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Connection")
            .field("peer", &self.peer.get())
            .field("life", &*self.life.borrow())
            .field("in_flight", &state.wire.in_flight())
            .finish_non_exhaustive()
    }
}

/// Wakes a task, if there is one; never under the lock.
pub(super) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Remembers who waits, without a clone where it is known already.
pub(super) fn wait(place: &mut Option<Waker>, waker: &Waker) {
    match place {
        Some(known) if known.will_wake(waker) => {}
        _ => *place = Some(waker.clone()),
    }
}
