//! The two directions of a streaming call.

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;

use super::{
    NotTaken,
    call::{CallFailure, Reply},
    now,
    shared::{Outcome, Shared, Slot, wait, wake},
};
use crate::{
    error::{Error, Kind, Started},
    wire::{Body, OpenHead, Read, ReplyHead, Status},
};

/// Sends the bytes of one direction. Dropped unfinished, a server's answer ends with an error, and
/// a client's request is given up together with its call.
pub struct SendStream {
    shared: Arc<Shared>,
    id: u64,
    finished: bool,
}

/// Receives the bytes of one direction. Dropped before the end, a client gives the call up.
pub struct RecvStream {
    shared: Arc<Shared>,
    id: u64,
}

/// The answer to a streaming call: wait for its head, then read. Dropping it cancels the call.
#[must_use = "a call that is dropped is cancelled"]
pub struct StreamReply {
    shared: Arc<Shared>,
    id: u64,
    taken: bool,
}

/// How a streaming call was answered.
pub enum Replied {
    /// With one message.
    Whole(Reply),
    /// With a stream, whose head has come.
    Stream(ReplyHead, RecvStream),
}

pub(super) fn open(
    shared: &Arc<Shared>,
    head: OpenHead,
    body: impl Into<Body>,
    deadline: Option<Instant>,
) -> Result<(SendStream, StreamReply), NotTaken> {
    let mut state = shared.lock();
    let id = state.wire.call(head, body, deadline, now())?;
    state.slots.insert(id, Slot::default());
    let driver = state.signal();
    drop(state);
    wake(driver);
    let reply = StreamReply {
        shared: Arc::clone(shared),
        id,
        taken: false,
    };
    Ok((SendStream::new(Arc::clone(shared), id), reply))
}

impl SendStream {
    pub(super) fn new(shared: Arc<Shared>, id: u64) -> Self {
        Self {
            shared,
            id,
            finished: false,
        }
    }

    /// Queues bytes, once there is room: 256 KiB may be queued before the peer has taken any.
    /// Cancel safe: bytes of a dropped future were not queued.
    ///
    /// # Errors
    /// If the peer takes no more of this direction, or the connection is gone.
    pub async fn send(&mut self, bytes: Bytes) -> Result<(), Error> {
        let mut bytes = Some(bytes);
        poll_fn(|cx| self.poll_send(cx, &mut bytes)).await
    }

    /// [`send`](Self::send), for those who poll: `bytes` is taken once there is room.
    pub(crate) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        bytes: &mut Option<Bytes>,
    ) -> Poll<Result<(), Error>> {
        let mut state = self.shared.lock();
        match state.wire.write_room(self.id) {
            None => Poll::Ready(Err(ended())),
            Some(0) => match state.slots.get_mut(self.id) {
                Some(slot) => {
                    wait(&mut slot.writer, cx.waker());
                    Poll::Pending
                }
                None => Poll::Ready(Err(ended())),
            },
            Some(_) => {
                let result = state.wire.write(self.id, bytes.take().unwrap_or_default());
                let driver = state.signal();
                drop(state);
                wake(driver);
                Poll::Ready(result)
            }
        }
    }

    /// Waits until all that is queued has left, or nobody takes it any more.
    pub(crate) async fn flushed(&self) {
        poll_fn(|cx| {
            let mut state = self.shared.lock();
            if state.wire.is_flushed(self.id) {
                return Poll::Ready(());
            }
            match state.slots.get_mut(self.id) {
                Some(slot) => {
                    wait(&mut slot.writer, cx.waker());
                    Poll::Pending
                }
                None => Poll::Ready(()),
            }
        })
        .await;
    }

    /// Ends the direction after what is queued.
    pub fn finish(mut self) {
        self.finished = true;
        self.shared.change(|wire| wire.finish(self.id));
        self.forget_answered();
    }

    /// Server: ends the call with an error instead; what is queued is dropped.
    pub fn fail(mut self, status: Status) {
        self.finished = true;
        self.shared.change(|wire| wire.status(self.id, status));
        self.forget_answered();
    }

    fn forget_answered(&self) {
        if self.shared.dispatch.is_some() {
            self.shared.lock().forget_answered(self.id);
        }
    }
}

impl Drop for SendStream {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        if self.shared.dispatch.is_some() {
            let message = if std::thread::panicking() {
                "the handler panicked in the middle of its answer"
            } else {
                "the handler went away in the middle of its answer"
            };
            let status = Status::refusal(crate::wire::Reason::Panicked, Started::Yes, message);
            self.shared.change(|wire| wire.status(self.id, status));
            self.forget_answered();
        } else {
            self.shared.change(|wire| {
                if wire.write_room(self.id).is_some() {
                    wire.cancel(self.id);
                }
            });
        }
    }
}

impl RecvStream {
    pub(super) fn new(shared: Arc<Shared>, id: u64) -> Self {
        Self { shared, id }
    }

    /// The next bytes; `None` at the end that the sender declared and the count confirmed. Cancel
    /// safe.
    ///
    /// # Errors
    /// If the stream broke off: what was read is then not the whole.
    pub async fn recv(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`recv`](Self::recv), for those who poll.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let mut state = self.shared.lock();
        let read = state.wire.read(self.id);
        match read {
            Read::Bytes(bytes) => {
                let driver = if state.wire.wants_transmit() {
                    state.signal()
                } else {
                    None
                };
                drop(state);
                wake(driver);
                Poll::Ready(Some(Ok(bytes)))
            }
            Read::Pending => match state.slots.get_mut(self.id) {
                Some(slot) => {
                    wait(&mut slot.reader, cx.waker());
                    Poll::Pending
                }
                None => Poll::Ready(Some(Err(ended()))),
            },
            Read::End => Poll::Ready(None),
            Read::Broken(error) => Poll::Ready(Some(Err(error))),
        }
    }

    /// Client: all that is known of why the stream broke off, once.
    pub(crate) fn failure(&self) -> Option<CallFailure> {
        let mut state = self.shared.lock();
        let slot = state.slots.get_mut(self.id)?;
        match slot.broke.take() {
            Some(failure) => Some(*failure),
            None => slot.outcome.take()?.err(),
        }
    }

    /// Bytes that were read are held still, or are not any more.
    pub(crate) fn hold_read(&self, before: usize, now: usize) {
        let (more, less) = (now.saturating_sub(before), before.saturating_sub(now));
        self.shared.change(|wire| {
            if more > 0 {
                wire.hold_read(self.id, more as u64);
            } else {
                wire.free_read(self.id, less as u64);
            }
        });
    }

    /// Largest message that this side takes, in bytes.
    pub(crate) fn max_message(&self) -> u64 {
        self.shared.lock().wire.max_message()
    }
}

impl Drop for RecvStream {
    fn drop(&mut self) {
        let unused = self.shared.change(|wire| {
            wire.stop_reading(self.id);
            wire.is_answered(self.id)
        });
        if unused || self.shared.dispatch.is_none() {
            self.shared.lock().slots.remove(self.id);
        }
    }
}

impl StreamReply {
    /// Waits for the head of a reply that streams. Cancel safe while the value is kept.
    ///
    /// # Errors
    /// If the call failed before its reply began.
    pub async fn head(mut self) -> Result<(ReplyHead, RecvStream), CallFailure> {
        match poll_fn(|cx| self.poll_replied(cx)).await? {
            Replied::Stream(head, stream) => Ok((head, stream)),
            Replied::Whole(_) => Err(CallFailure::Lost {
                started: Started::Yes,
                cause: ended(),
            }),
        }
    }

    /// The reply, or the head of one that streams; not to be asked again after that.
    ///
    /// # Errors
    /// If the call failed before its reply began.
    pub fn poll_replied(&mut self, cx: &mut Context<'_>) -> Poll<Result<Replied, CallFailure>> {
        let mut state = self.shared.lock();
        let Some(slot) = state.slots.get_mut(self.id) else {
            return Poll::Ready(Err(CallFailure::Lost {
                started: Started::Unknown,
                cause: ended(),
            }));
        };
        let Some(outcome) = slot.outcome.take() else {
            wait(&mut slot.caller, cx.waker());
            return Poll::Pending;
        };
        self.taken = true;
        Poll::Ready(match outcome {
            Ok(Outcome::Head(head)) => {
                let stream = RecvStream::new(Arc::clone(&self.shared), self.id);
                Ok(Replied::Stream(head, stream))
            }
            Ok(Outcome::Reply(reply)) => {
                state.slots.remove(self.id);
                Ok(Replied::Whole(reply))
            }
            Err(failure) => {
                state.slots.remove(self.id);
                Err(failure)
            }
        })
    }
}

impl Drop for StreamReply {
    fn drop(&mut self) {
        if !self.taken {
            self.shared.change(|wire| wire.cancel(self.id));
            self.shared.lock().slots.remove(self.id);
        }
    }
}

impl fmt::Debug for RecvStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecvStream").field(&self.id).finish()
    }
}

fn ended() -> Error {
    Error::new(Kind::Cancelled, "the stream has ended")
}
