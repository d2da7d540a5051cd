//! One connection, as the network between client and instance sees it.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use meshrpc::transport::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// Bytes that wait on a line to an instance that does not run.
const ROOM: usize = 64 << 10;

/// The client's end of a line.
#[derive(Debug)]
pub(crate) struct End(Arc<Mutex<Line>>);

/// A line.
#[derive(Debug)]
pub(crate) struct Line {
    /// `None` once it was cut or let go.
    io: Option<Stream>,
    state: Passing,
    /// What the client has sent to an instance that does not run.
    kept: VecDeque<u8>,
    waker: Option<Waker>,
    /// When the client has seen its end, or let go.
    ended: Option<Instant>,
}

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passing {
    /// They arrive.
    Through,
    /// They wait.
    Held,
    /// They are lost, and nobody is told.
    Lost,
}

impl Line {
    /// A line over `io`, and the client's end of it.
    pub(crate) fn new(io: Stream, state: Passing) -> (Arc<Mutex<Line>>, End) {
        let line = Arc::new(Mutex::new(Line {
            io: Some(io),
            state,
            kept: VecDeque::new(),
            waker: None,
            ended: None,
        }));
        (Arc::clone(&line), End(line))
    }

    pub(crate) fn set(&mut self, state: Passing) {
        self.state = state;
        self.wake();
    }

    /// Ends it for both sides.
    pub(crate) fn cut(&mut self) {
        self.io = None;
        self.wake();
    }

    /// When the client has seen its end, or let go.
    pub(crate) fn ended(&self) -> Option<Instant> {
        self.ended
    }

    fn end(&mut self) {
        self.ended.get_or_insert_with(Instant::now);
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Passes on what was kept.
    fn poll_kept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut Stream>> {
        self.waker = Some(cx.waker().clone());
        let Some(io) = &mut self.io else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        while !self.kept.is_empty() {
            let written = ready!(Pin::new(&mut *io).poll_write(cx, self.kept.as_slices().0))?;
            self.kept.drain(..written);
        }
        Poll::Ready(Ok(io))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.state != Passing::Through && self.io.is_some() {
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        // What the instance does not take yet does not keep it from speaking.
        if let Poll::Ready(Err(error)) = self.poll_kept(cx) {
            self.end();
            return Poll::Ready(Err(error));
        }
        let before = buf.filled().len();
        let Some(io) = &mut self.io else {
            return Poll::Pending;
        };
        let read = ready!(Pin::new(io).poll_read(cx, buf));
        if read.is_err() || buf.filled().len() == before {
            self.end();
        }
        Poll::Ready(read)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.state {
            Passing::Lost if self.io.is_some() => Poll::Ready(Ok(bytes.len())),
            Passing::Held if self.io.is_some() => {
                self.waker = Some(cx.waker().clone());
                let room = ROOM.saturating_sub(self.kept.len()).min(bytes.len());
                if room == 0 {
                    return Poll::Pending;
                }
                self.kept.extend(&bytes[..room]);
                Poll::Ready(Ok(room))
            }
            _ => {
                let io = ready!(self.poll_kept(cx))?;
                Pin::new(io).poll_write(cx, bytes)
            }
        }
    }
}

impl End {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut line = self.line();
        line.end();
        line.io = None;
    }
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.line().poll_read(cx, buf)
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut line = self.line();
        if line.state != Passing::Through {
            return Poll::Ready(Ok(()));
        }
        let io = ready!(line.poll_kept(cx))?;
        Pin::new(io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut line = self.line();
        if line.state != Passing::Through {
            return Poll::Ready(Ok(()));
        }
        let io = ready!(line.poll_kept(cx))?;
        Pin::new(io).poll_shutdown(cx)
    }
}
