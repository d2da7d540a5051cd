//! A call that arrived, and the way to answer it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use bytes::Bytes;
use tokio::task::AbortHandle;

use super::{
    shared::Shared,
    stream::{RecvStream, SendStream},
};
use crate::{
    error::Started,
    wire::{Body, ByteBudget, Held, OpenHead, Peer, Reason, ReplyHead, Status},
};

/// Receives the calls of a server's connections. Runs on the connection's task: it spawns, it does
/// not work.
pub trait Dispatch: Send + Sync + 'static {
    /// A client said who it is. Bytes that are held for its calls count against what this returns.
    fn connected(&self, peer: &Arc<Peer>) -> Option<Arc<ByteBudget>> {
        let _ = peer;
        None
    }

    /// Takes the calls that one read brought: each with its whole request, or its beginning if that
    /// streams. True if the runtime does not know of what was begun: the connection's task then lets
    /// other workers look after it, in case that blocks this one.
    fn dispatch(&self, calls: &mut dyn Iterator<Item = Incoming>) -> bool;
}

/// A call that has arrived.
pub struct Incoming {
    /// What the caller said of it.
    pub head: OpenHead,
    /// The request.
    pub body: IncomingBody,
    /// The way to answer.
    pub responder: Responder,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
}

/// The request of an incoming call.
pub enum IncomingBody {
    /// Whole.
    Buffered(Bytes),
    /// As it comes.
    Stream(RecvStream),
}

/// Answers one call. Dropped unanswered, it answers that the handler went away.
pub struct Responder {
    shared: Arc<Shared>,
    id: u64,
    /// Calls that had been cancelled on the connection before this one came.
    cancelled_before: u64,
    answered: bool,
}

impl Responder {
    pub(super) fn new(shared: Arc<Shared>, id: u64, cancelled_before: u64) -> Self {
        Self {
            shared,
            id,
            cancelled_before,
            answered: false,
        }
    }

    /// Answers with a value.
    pub fn reply(mut self, head: &ReplyHead, body: impl Into<Body>) {
        self.answered = true;
        self.shared
            .last_word(|state| state.reply(self.id, head, body));
    }

    /// Answers with a status.
    pub fn status(mut self, status: Status) {
        self.answered = true;
        self.shared.last_word(|state| state.status(self.id, status));
    }

    /// Answers with a stream; the call is committed.
    pub fn stream(mut self, head: &ReplyHead) -> SendStream {
        self.answered = true;
        self.shared.change(|wire| wire.reply_stream(self.id, head));
        SendStream::new(Arc::clone(&self.shared), self.id)
    }

    /// False if the caller is gone, or the deadline has passed: there is no use in beginning then.
    pub fn is_awaited(&self) -> bool {
        // Nearly always none was cancelled since, and then nothing has to be looked up.
        self.shared.cancelled.load(Ordering::Relaxed) == self.cancelled_before
            || !self.shared.lock().wire.is_abandoned(self.id)
    }

    /// The bytes that are held for the call, for work that goes on after the answer.
    pub(crate) fn keep_held(&self) -> Option<Held> {
        self.shared.lock().wire.keep_held(self.id)
    }

    /// What a call is answered with that nobody answered.
    pub fn went_away() -> Status {
        Status::refusal(Reason::Panicked, Started::Yes, "the handler went away")
    }

    /// Ties a task to the call; taken before the responder moves into that task.
    pub fn canceller(&self) -> Canceller {
        Canceller {
            shared: Arc::clone(&self.shared),
            id: self.id,
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if !self.answered {
            let status = Self::went_away();
            self.shared.last_word(|state| state.status(self.id, status));
        }
    }
}

/// Answers that are given together, under one lock of their connection. Dropped, it gives them.
#[derive(Default)]
pub struct Answers {
    /// Of the connection that they are all for.
    shared: Option<Arc<Shared>>,
    words: Vec<(u64, Word)>,
}

enum Word {
    Reply(ReplyHead, Body),
    Status(Box<Status>),
}

impl Answers {
    /// With room for so many.
    pub fn with_capacity(answers: usize) -> Self {
        Self {
            shared: None,
            words: Vec::with_capacity(answers),
        }
    }

    /// Adds an answer with a value.
    pub fn reply(&mut self, responder: Responder, head: ReplyHead, body: impl Into<Body>) {
        self.add(responder, Word::Reply(head, body.into()));
    }

    /// Adds an answer with a status.
    pub fn status(&mut self, responder: Responder, status: Box<Status>) {
        self.add(responder, Word::Status(status));
    }

    /// Gives what was added.
    pub fn give(&mut self) {
        let Some(shared) = self.shared.take() else {
            return;
        };
        shared.last_word(|state| {
            for (id, word) in self.words.drain(..) {
                match word {
                    Word::Reply(head, body) => state.reply(id, &head, body),
                    Word::Status(status) => state.status(id, *status),
                }
            }
        });
    }

    fn add(&mut self, mut responder: Responder, word: Word) {
        responder.answered = true;
        if self
            .shared
            .as_ref()
            .is_some_and(|shared| !Arc::ptr_eq(shared, &responder.shared))
        {
            self.give();
        }
        self.words.push((responder.id, word));
        if self.shared.is_none() {
            self.shared = Some(Arc::clone(&responder.shared));
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.give();
    }
}

/// Ties a handler's task to its call.
pub struct Canceller {
    shared: Arc<Shared>,
    id: u64,
}

impl Canceller {
    /// Aborts the task when the caller goes, the deadline passes or the connection is lost; at once
    /// if that has happened. Does nothing if the call was answered.
    pub fn abort_on_cancel(self, handle: AbortHandle) {
        let mut state = self.shared.lock();
        if state.wire.is_abandoned(self.id) {
            drop(state);
            handle.abort();
        } else if state.wire.is_open(self.id) {
            state.handled_by(self.id, handle);
        }
    }
}
