//! Pipes in this process, found by a number.

use std::{
    collections::HashMap,
    io,
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{DuplexStream, duplex},
    sync::{Mutex as AsyncMutex, mpsc},
};

use crate::blocking::is_io_thread;

/// Bytes a pipe holds in each direction.
const PIPE: usize = 256 << 10;
/// Dials that may wait to be accepted.
const BACKLOG: usize = 128;

static LISTENERS: LazyLock<Mutex<HashMap<Door, mpsc::Sender<DuplexStream>>>> =
    LazyLock::new(Mutex::default);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Takes the other ends of pipes.
#[derive(Debug)]
pub struct MemoryListener {
    door: Door,
    dials: AsyncMutex<mpsc::Receiver<DuplexStream>>,
}

/// Where a pipe comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Door {
    number: u64,
    /// For pipes from the I/O thread of callers that wait.
    waiting: bool,
}

impl MemoryListener {
    pub(super) fn new() -> Self {
        Self::at(Door {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            waiting: false,
        })
    }

    /// Takes the pipes of callers that wait from this one.
    pub(super) fn for_waiting_callers(&self) -> Self {
        Self::at(Door {
            number: self.door.number,
            waiting: true,
        })
    }

    fn at(door: Door) -> Self {
        let (sender, dials) = mpsc::channel(BACKLOG);
        LISTENERS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(door, sender);
        Self {
            door,
            dials: AsyncMutex::new(dials),
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.door.number
    }

    pub(super) async fn accept(&self) -> io::Result<DuplexStream> {
        // The table holds a sender as long as this listener lives.
        self.dials
            .lock()
            .await
            .recv()
            .await
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        LISTENERS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.door);
    }
}

pub(super) async fn dial(number: u64) -> io::Result<DuplexStream> {
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    let sender = listener(number).ok_or_else(refused)?;
    let (near, far) = duplex(PIPE);
    sender.send(far).await.map_err(|_| refused())?;
    Ok(near)
}

fn listener(number: u64) -> Option<mpsc::Sender<DuplexStream>> {
    let listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
    let waiting = is_io_thread();
    let own = listeners.get(&Door { number, waiting });
    let any = || {
        listeners.get(&Door {
            number,
            waiting: false,
        })
    };
    own.or_else(any).cloned()
}
