//! Writing: what is queued goes out, in as few system calls as may be.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Buf;

use super::{
    super::{Io, shared::wait},
    Driver,
};
use crate::wire::Fault;

/// Wakers that there is room for in an idle connection.
const FEW: usize = 4;
/// Pieces that one system call is given.
const SLICES: usize = 32;

impl<T: Io> Driver<T> {
    /// Writes until nothing is left or the stream takes no more. Ready once nothing is left, with
    /// the reason if the connection is over.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        may_yield: bool,
    ) -> Poll<Option<Fault>> {
        if self.output.has_remaining() {
            self.hold_requests_back();
        }
        loop {
            while self.output.has_remaining() {
                match self.poll_write_once(cx) {
                    Poll::Ready(Ok(0)) => self.broken(&io::ErrorKind::WriteZero.into()),
                    Poll::Ready(Ok(written)) => {
                        self.output.advance(written);
                        self.unreported += written;
                        self.unflushed = true;
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

            // TLS takes bytes that it has not written yet.
            if self.unflushed {
                match Pin::new(&mut self.io).poll_flush(cx) {
                    Poll::Ready(Ok(())) => self.unflushed = false,
                    Poll::Ready(Err(error)) => {
                        self.unflushed = false;
                        self.broken(&error);
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }

            let mut state = self.shared.lock();
            state.wire.wrote(std::mem::take(&mut self.unreported));
            let others = state.wire.in_flight() > 1;
            let queued = state.wire.queued();
            if may_yield
                && others
                && !self.yielded
                && state.wire.wants_transmit()
                && self.gathering.begins(queued)
            {
                drop(state);
                self.yielded = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.yielded = false;
            self.gathering.ends(queued);
            state.wire.transmit_to(&mut self.output);
            state.collect(&mut self.aftermath);
            if !self.output.has_remaining() {
                state.signalled = false;
                wait(&mut state.driver, cx.waker());
                let fault = state.wire.fault().cloned();
                let idle = state.wire.in_flight() == 0;
                drop(state);
                self.shared.settle(&mut self.aftermath);
                self.output.release();
                if idle {
                    self.aftermath.wake.shrink_to(FEW);
                }
                return Poll::Ready(fault);
            }
            drop(state);
            self.shared.settle(&mut self.aftermath);
        }
    }

    /// Bodies go from where they are.
    fn poll_write_once(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let io = Pin::new(&mut self.io);
        if self.output.is_contiguous() {
            return io.poll_write(cx, self.output.chunk());
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let filled = self.output.chunks_vectored(&mut slices);
        io.poll_write_vectored(cx, &slices[..filled])
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
        self.shared.lock().wire.transmit_to(&mut self.output);
        self.output.clear();
    }
}
