//! One connection of a network: the byte stream that the client has in hand.
//!
//! Everything happens at the client's end, when its task polls: what the client writes is passed on
//! from here, what the server wrote is fetched from here. So there is no task in between, and a
//! byte that no fault concerns arrives as soon as without a network.

mod pipe;

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::pipe::{Pipe, Room};
use super::fault::{Direction, Fault};
use crate::transport::Stream;

/// Bytes fetched from the server at once.
const FETCH: usize = 8 << 10;

/// What a network has counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) struck: AtomicU64,
    pub(super) to_server: AtomicU64,
    pub(super) to_client: AtomicU64,
}

/// The client's end of a connection.
#[derive(Debug)]
pub(super) struct End(pub(super) Arc<Mutex<Link>>);

/// A connection, as the network sees it.
#[derive(Debug)]
pub(super) struct Link {
    /// `None` once it was killed.
    io: Option<Stream>,
    to_server: Pipe,
    to_client: Pipe,
    /// The server sent its last byte.
    ended: bool,
    held: bool,
    pub(super) instance: Arc<str>,
    /// The client's task, to be told of changes.
    waker: Option<Waker>,
    tally: Arc<Tally>,
}

impl Link {
    pub(super) fn new(io: Stream, instance: Arc<str>, tally: Arc<Tally>) -> Self {
        Self {
            io: Some(io),
            to_server: Pipe::default(),
            to_client: Pipe::default(),
            ended: false,
            held: false,
            instance,
            waker: None,
            tally,
        }
    }

    /// Puts the connection under a fault whose bytes are counted from the next one.
    pub(super) fn add(&mut self, fault: &Fault) {
        let pipe = match fault.direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        };
        pipe.add(&fault.effects);
        self.wake();
    }

    /// Ends it for both sides.
    pub(super) fn kill(&mut self) {
        self.io = None;
        self.wake();
    }

    /// Holds everything back, or lets it go on.
    pub(super) fn hold(&mut self, held: bool) {
        self.held = held;
        self.wake();
    }

    /// Takes away every fault.
    pub(super) fn heal(&mut self) {
        self.to_server.heal();
        self.to_client.heal();
        self.hold(false);
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Remembers whom to tell of changes.
    fn watch(&mut self, cx: &Context<'_>) {
        match &self.waker {
            Some(known) if known.will_wake(cx.waker()) => {}
            _ => self.waker = Some(cx.waker().clone()),
        }
    }

    fn strike(&self, times: u64) {
        self.tally.struck.fetch_add(times, Ordering::Relaxed);
    }

    /// A fault ends the connection.
    fn break_off(&mut self) -> io::Error {
        self.strike(1);
        self.io = None;
        killed()
    }

    /// Passes on to the server what can be.
    fn pass_on(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(io) = &mut self.io else {
            return Err(killed());
        };
        if self.held {
            return Ok(());
        }
        let mut struck = 0;
        let result = loop {
            let Poll::Ready(bytes) = self.to_server.deliverable(cx, &mut struck) else {
                break Ok(());
            };
            match Pin::new(&mut *io).poll_write(cx, bytes) {
                Poll::Ready(Ok(written)) => self.to_server.delivered(written),
                Poll::Ready(Err(error)) => break Err(error),
                Poll::Pending => break Ok(()),
            }
        };
        self.strike(struck);
        result
    }

    /// Fetches what the server wrote.
    fn fetch(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut buffer = [0; FETCH];
        while !self.ended {
            let room = self.to_client.room();
            let bytes = match room {
                Room::Bytes(bytes) => bytes.min(FETCH),
                // Whether there is a byte in place of which the connection ends.
                Room::End => 1,
                Room::Full => break,
            };
            let Some(io) = &mut self.io else {
                return Err(killed());
            };
            let mut buffer = ReadBuf::new(&mut buffer[..bytes]);
            match Pin::new(io).poll_read(cx, &mut buffer) {
                Poll::Pending => break,
                Poll::Ready(result) => result?,
            }
            let fetched = buffer.filled();
            if fetched.is_empty() {
                self.ended = true;
            } else if room == Room::End {
                return Err(self.break_off());
            } else {
                let struck = self.to_client.take(fetched);
                let bytes = fetched.len() as u64;
                self.tally.to_client.fetch_add(bytes, Ordering::Relaxed);
                self.strike(struck);
            }
        }
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.watch(cx);
        // A server that reads no more may still have something to say.
        if let Err(error) = self.pass_on(cx)
            && self.io.is_none()
        {
            return Poll::Ready(Err(error));
        }
        if self.held {
            return Poll::Pending;
        }
        self.fetch(cx)?;
        if self.ended && self.to_client.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut struck = 0;
        let polled = match self.to_client.deliverable(cx, &mut struck) {
            Poll::Ready(bytes) => {
                let bytes = &bytes[..bytes.len().min(out.remaining())];
                out.put_slice(bytes);
                let delivered = bytes.len();
                self.to_client.delivered(delivered);
                Poll::Ready(Ok(()))
            }
            Poll::Pending => Poll::Pending,
        };
        self.strike(struck);
        polled
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.watch(cx);
        self.pass_on(cx)?;
        match self.to_server.room() {
            Room::End if self.held => Poll::Pending,
            Room::End => Poll::Ready(Err(self.break_off())),
            Room::Full => Poll::Pending,
            Room::Bytes(room) => {
                let bytes = &bytes[..bytes.len().min(room)];
                let before = self.to_server.taken();
                let struck = self.to_server.take(bytes);
                let taken = self.to_server.taken() - before;
                self.tally.to_server.fetch_add(taken, Ordering::Relaxed);
                self.strike(struck);
                // What breaks here is told by the next write, or by a read.
                let _ = self.pass_on(cx);
                Poll::Ready(Ok(bytes.len()))
            }
        }
    }

    /// Everything that was written has been passed on.
    fn poll_passed_on(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut Stream>> {
        self.watch(cx);
        self.pass_on(cx)?;
        match &mut self.io {
            Some(io) if self.to_server.is_empty() => Poll::Ready(Ok(io)),
            Some(_) => Poll::Pending,
            None => Poll::Ready(Err(killed())),
        }
    }
}

impl End {
    fn link(&self) -> MutexGuard<'_, Link> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.link().poll_read(cx, buf)
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.link().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut link = self.link();
        let io = ready!(link.poll_passed_on(cx))?;
        Pin::new(io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut link = self.link();
        let io = ready!(link.poll_passed_on(cx))?;
        Pin::new(io).poll_shutdown(cx)
    }
}

fn killed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the network ended it")
}
