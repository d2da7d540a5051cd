//! The items that come back.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;

use super::upload::Upload;
use crate::{
    client::{
        RemoteFailure,
        answer::{Origin, refusal},
    },
    connection::CallFailure,
    discovery::BoxFuture,
    error::{Error, Started},
    streaming::{Received, Receiving, Unread},
    wire::Reason,
};

/// The stream that a call is answered with, item by item as they came. Dropping it cancels the
/// call.
pub struct Replies<'a>(State<'a>);

enum State<'a> {
    Opening(BoxFuture<'a, Result<Replies<'a>, Error>>),
    Open(Box<Open>, Option<Upload<'a>>),
    Over,
}

/// A stream that has begun.
pub(super) struct Open {
    pub(super) receiving: Receiving,
    pub(super) origin: Origin,
}

/// The stream that a call is answered with, as values: what `read` makes of each item, and at last,
/// if the stream breaks off, what `fail` makes of the error.
pub struct Items<'a, R, F> {
    replies: Replies<'a>,
    read: R,
    fail: F,
}

impl<'a> Replies<'a> {
    pub(super) fn opening(opening: BoxFuture<'a, Result<Replies<'a>, Error>>) -> Self {
        Self(State::Opening(opening))
    }

    pub(super) fn open(open: Box<Open>, upload: Option<Upload<'a>>) -> Self {
        Self(State::Open(open, upload))
    }

    /// The stream of what `read` makes of each item. Its last one is what `fail` makes of an error:
    /// the call could not be made, its stream broke off, or `read` could not read an item, which
    /// cancels the call.
    pub fn read<T, R, F>(self, read: R, fail: F) -> Items<'a, R, F>
    where
        R: FnMut(Received<'_>) -> Result<T, Error> + Unpin,
        F: FnMut(Error) -> T + Unpin,
    {
        Items {
            replies: self,
            read,
            fail,
        }
    }

    /// Waits for the next item.
    #[inline]
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Received<'_>, Error>>> {
        if let State::Opening(opening) = &mut self.0 {
            match ready!(opening.as_mut().poll(cx)) {
                Ok(replies) => *self = replies,
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        match &mut self.0 {
            State::Open(open, upload) => open.poll_item(upload, cx),
            State::Opening(_) | State::Over => Poll::Ready(None),
        }
    }

    /// An error, with where the item came from that it is about.
    #[cold]
    fn mark(&self, unread: Error) -> Error {
        match &self.0 {
            State::Open(open, _) => open.origin.mark(unread),
            State::Opening(_) | State::Over => unread,
        }
    }
}

impl Open {
    #[inline]
    fn poll_item(
        &mut self,
        upload: &mut Option<Upload<'_>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Received<'_>, Error>>> {
        match upload.as_mut().map(|upload| upload.poll(cx)) {
            Some(Poll::Ready(Err(error))) => return Poll::Ready(Some(Err(error))),
            Some(Poll::Ready(Ok(()))) => *upload = None,
            Some(Poll::Pending) | None => {}
        }
        Poll::Ready(match ready!(self.receiving.poll_item(cx)) {
            Some(Ok(())) => Some(Ok(Received {
                instance: self.origin.instance.as_ref(),
                ..self.receiving.item()
            })),
            Some(Err(unread)) => Some(Err(self.failure(unread))),
            None => None,
        })
    }

    /// Why the stream broke off.
    fn failure(&self, unread: Unread) -> Error {
        let error = match unread {
            Unread::Malformed(fault) => fault.to_error().with_started(Started::Yes),
            Unread::Broken(error) => match self.receiving.failure() {
                Some(CallFailure::Status(status)) if status.reason == Reason::Application => {
                    RemoteFailure::new(status, self.origin.clone()).into_error()
                }
                Some(CallFailure::Status(status)) => refusal(*status, &self.origin),
                Some(CallFailure::Lost { cause, started }) => cause.with_started(started),
                None => error.with_started(Started::Yes),
            },
        };
        self.origin.mark(error)
    }
}

impl<T, R, F> Stream for Items<'_, R, F>
where
    R: FnMut(Received<'_>) -> Result<T, Error> + Unpin,
    F: FnMut(Error) -> T + Unpin,
{
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self {
            replies,
            read,
            fail,
        } = &mut *self;
        // What was read goes straight to the caller: each step that hands it on copies it.
        let failed = match ready!(replies.poll_item(cx)) {
            Some(Ok(received)) => match read(received) {
                Ok(item) => return Poll::Ready(Some(item)),
                Err(unread) => Some(replies.mark(unread)),
            },
            Some(Err(error)) => Some(error),
            None => None,
        };
        replies.0 = State::Over;
        Poll::Ready(failed.map(fail))
    }
}

impl fmt::Debug for Replies<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            State::Opening(_) => "Replies(opening)",
            State::Open(..) => "Replies(open)",
            State::Over => "Replies(over)",
        })
    }
}

impl<R, F> fmt::Debug for Items<'_, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Items").field(&self.replies).finish()
    }
}
