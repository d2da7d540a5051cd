//! A call under way at the client.

use std::{
    future::Future,
    mem,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;

use super::shared::{Outcome, Shared, wait, wake};
use crate::{
    error::{Error, Kind, Started},
    wire::{Codec, Metadata, Status},
};

/// A call under way. Dropping it cancels the call at the server.
#[must_use = "a call that is dropped is cancelled"]
pub struct UnaryCall(UnderWay<Arc<Shared>>);

/// The same, of somebody who keeps the connection meanwhile.
#[must_use = "a call that is dropped is cancelled"]
pub(crate) struct BorrowedCall<'a>(UnderWay<&'a Shared>);

struct UnderWay<S: Deref<Target = Shared>> {
    shared: S,
    id: u64,
    /// Who polls it first is the one that is known to wait.
    awaited: bool,
    done: bool,
}

/// A plain reply.
#[derive(Debug)]
pub struct Reply {
    /// How the value is written.
    pub codec: Codec,
    /// What the callee attached.
    pub metadata: Metadata,
    /// The value.
    pub body: Bytes,
}

/// Why a call got no plain reply.
#[derive(Debug)]
pub enum CallFailure {
    /// The server's last word.
    Status(Box<Status>),
    /// There was none.
    Lost {
        /// Whether the method may have run.
        started: Started,
        /// Unavailable, DeadlineExceeded, Cancelled, Refused (by this side's own limits, or as the
        /// instance drains) or Protocol.
        cause: Error,
    },
}

impl UnaryCall {
    pub(super) fn new(shared: Arc<Shared>, id: u64) -> Self {
        Self(UnderWay::new(shared, id, false))
    }
}

impl<'a> BorrowedCall<'a> {
    /// Who polls it first gave its waker with the call.
    pub(super) fn new(shared: &'a Shared, id: u64) -> Self {
        Self(UnderWay::new(shared, id, true))
    }
}

impl Future for UnaryCall {
    type Output = Result<Reply, CallFailure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl Future for BorrowedCall<'_> {
    type Output = Result<Reply, CallFailure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl<S: Deref<Target = Shared>> UnderWay<S> {
    fn new(shared: S, id: u64, awaited: bool) -> Self {
        Self {
            shared,
            id,
            awaited,
            done: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, CallFailure>> {
        if mem::take(&mut self.awaited) {
            // Whatever happened since has woken this task again.
            return Poll::Pending;
        }
        let id = self.id;
        let mut state = self.shared.lock();
        let outcome = match state.slots.get_mut(id) {
            Some(slot) => match slot.outcome.take() {
                Some(outcome) => outcome,
                None => {
                    wait(&mut slot.caller, cx.waker());
                    return Poll::Pending;
                }
            },
            None => return Poll::Ready(Err(gone())),
        };
        state.slots.remove(id);
        drop(state);
        self.done = true;
        Poll::Ready(match outcome {
            Ok(Outcome::Reply(reply)) => Ok(reply),
            Ok(Outcome::Head(_)) => Err(gone()),
            Err(failure) => Err(failure),
        })
    }
}

impl<S: Deref<Target = Shared>> Drop for UnderWay<S> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut state = self.shared.lock();
        state.slots.remove(self.id);
        state.wire.cancel(self.id);
        let driver = state.signal();
        drop(state);
        wake(driver);
    }
}

fn gone() -> CallFailure {
    let cause = Error::new(Kind::Cancelled, "the call was polled after it ended");
    CallFailure::Lost {
        started: Started::Unknown,
        cause,
    }
}
