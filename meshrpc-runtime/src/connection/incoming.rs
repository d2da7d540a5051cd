//! A call that arrived, and the way to answer it.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use tokio::task::AbortHandle;

use super::{
    shared::{Shared, Slot},
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
    fn connected(&self, peer: &Peer) -> Option<Arc<ByteBudget>> {
        let _ = peer;
        None
    }

    /// Takes a call whose request is complete, or begins if it streams.
    fn dispatch(&self, call: Incoming);
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
    /// The client.
    pub peer: Arc<Peer>,
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
    answered: bool,
}

impl Responder {
    pub(super) fn new(shared: Arc<Shared>, id: u64) -> Self {
        Self {
            shared,
            id,
            answered: false,
        }
    }

    /// Answers with a value.
    pub fn reply(mut self, head: &ReplyHead, body: impl Into<Body>) {
        self.answered = true;
        self.last_word(|wire, id| wire.reply(id, head, body));
    }

    /// Answers with a status.
    pub fn status(mut self, status: Status) {
        self.answered = true;
        self.last_word(|wire, id| wire.status(id, status));
    }

    /// Answers with a stream; the call is committed.
    pub fn stream(mut self, head: &ReplyHead) -> SendStream {
        self.answered = true;
        self.shared.change(|wire| wire.reply_stream(self.id, head));
        SendStream::new(Arc::clone(&self.shared), self.id)
    }

    /// The bytes that are held for the call, for work that goes on after the answer.
    pub(crate) fn keep_held(&self) -> Option<Held> {
        self.shared.lock().wire.keep_held(self.id)
    }

    /// Ties a task to the call; taken before the responder moves into that task.
    pub fn canceller(&self) -> Canceller {
        Canceller {
            shared: Arc::clone(&self.shared),
            id: self.id,
        }
    }

    fn last_word(&self, answer: impl FnOnce(&mut crate::wire::Connection, u64)) {
        let id = self.id;
        let streams = self.shared.change(|wire| {
            answer(wire, id);
            wire.is_read(id)
        });
        if !streams {
            self.shared.lock().slots.remove(id);
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if !self.answered {
            let status = Status::refusal(Reason::Panicked, Started::Yes, "the handler went away");
            self.last_word(|wire, id| wire.status(id, status));
        }
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
        match state.slots.get_mut(self.id) {
            Some(Slot {
                cancelled: false,
                handler,
                ..
            }) => *handler = Some(handle),
            Some(_) => {
                drop(state);
                handle.abort();
            }
            None => {}
        }
    }
}
