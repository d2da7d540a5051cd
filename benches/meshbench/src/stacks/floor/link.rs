//! One side of a connection: a buffer that callers append to, and the task that writes it.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Notify,
    task,
};

use super::{LAST, PART};
use crate::stacks::frames::{Frames, frame};

/// Bodies go in parts of this size.
pub(super) const CHUNK: usize = 64 << 10;

/// What goes out.
#[derive(Default)]
pub(super) struct Link {
    out: Mutex<Vec<u8>>,
    /// There is something to write.
    ready: Notify,
    /// All of it was written.
    written: Notify,
    in_flight: AtomicUsize,
    closed: AtomicBool,
}

/// Both directions of a connection, the outgoing one with its writer task.
pub(super) fn open(stream: TcpStream) -> Result<(Frames<OwnedReadHalf>, Arc<Link>)> {
    stream.set_nodelay(true)?;
    let (read, write) = stream.into_split();
    let link = Arc::new(Link::default());
    tokio::spawn(Arc::clone(&link).write(write));
    Ok((Frames::new(read), link))
}

/// The id of a frame, and the rest.
pub(super) fn split(payload: &[u8]) -> Result<(u64, &[u8])> {
    let (id, rest) = payload.split_first_chunk().context("a frame without id")?;
    Ok((u64::from_le_bytes(*id), rest))
}

/// A number that is all of a frame.
pub(super) fn number(bytes: &[u8]) -> Result<u64> {
    Ok(u64::from_le_bytes(bytes.try_into()?))
}

impl Link {
    /// Queues a frame whose bytes `write` appends.
    pub(super) fn send(
        &self,
        kind: u8,
        id: u64,
        write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        frame(&mut self.lock(), kind, |out| {
            out.extend_from_slice(&id.to_le_bytes());
            write(out)
        })?;
        self.ready.notify_one();
        Ok(())
    }

    pub(super) fn send_bytes(&self, kind: u8, id: u64, bytes: &[u8]) -> Result<()> {
        self.send(kind, id, |out| {
            out.extend_from_slice(bytes);
            Ok(())
        })
    }

    pub(super) fn number(&self, kind: u8, id: u64, number: u64) -> Result<()> {
        self.send_bytes(kind, id, &number.to_le_bytes())
    }

    /// Queues a body in parts, each when the one before is on its way.
    pub(super) async fn body(&self, id: u64, body: &[u8]) -> Result<()> {
        let mut rest = body;
        while let Some((part, after)) = rest.split_at_checked(CHUNK) {
            self.room().await;
            self.send_bytes(PART, id, part)?;
            rest = after;
        }
        self.room().await;
        self.send_bytes(LAST, id, rest)
    }

    /// Waits until less than a chunk is queued.
    pub(super) async fn room(&self) {
        loop {
            let written = self.written.notified();
            if self.lock().len() < CHUNK || self.closed.load(Ordering::Relaxed) {
                return;
            }
            written.await;
        }
    }

    /// A call is in flight.
    pub(super) fn began(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// It is over.
    pub(super) fn ended(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends the writer.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.ready.notify_one();
        self.written.notify_waiters();
    }

    async fn write(self: Arc<Self>, mut stream: OwnedWriteHalf) {
        let mut taken = Vec::new();
        while !self.closed.load(Ordering::Relaxed) {
            self.ready.notified().await;
            if self.in_flight.load(Ordering::Relaxed) > 1 {
                task::yield_now().await;
            }
            mem::swap(&mut taken, &mut self.lock());
            // Whoever reads finds out that the connection is gone.
            if stream.write_all(&taken).await.is_err() {
                return self.close();
            }
            taken.clear();
            self.written.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
