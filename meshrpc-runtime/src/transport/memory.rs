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

/// Bytes a pipe holds in each direction.
const PIPE: usize = 256 << 10;
/// Dials that may wait to be accepted.
const BACKLOG: usize = 128;

static LISTENERS: LazyLock<Mutex<HashMap<u64, mpsc::Sender<DuplexStream>>>> =
    LazyLock::new(Mutex::default);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Takes the other ends of pipes.
#[derive(Debug)]
pub struct MemoryListener {
    number: u64,
    dials: AsyncMutex<mpsc::Receiver<DuplexStream>>,
}

impl MemoryListener {
    pub(super) fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (sender, dials) = mpsc::channel(BACKLOG);
        LISTENERS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(number, sender);
        Self {
            number,
            dials: AsyncMutex::new(dials),
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
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
            .remove(&self.number);
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
    LISTENERS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&number)
        .cloned()
}
