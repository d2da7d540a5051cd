//! The calling side: what waits for an answer, by id.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use tokio::{
    net::{TcpStream, tcp::OwnedReadHalf},
    sync::{mpsc, oneshot},
};

use super::{
    ECHO, GET, ITEMS, PART,
    link::{self, Link},
};
use crate::{
    message::Message,
    stacks::{Caller, frames::Frames},
};

/// Parts of a stream that wait for their reader.
const WAITING: usize = 64;

/// A client's connection.
#[derive(Clone)]
pub struct Connection(Arc<Calls>);

struct Calls {
    link: Arc<Link>,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Waiting>>,
}

/// What a call waits for.
enum Waiting {
    Whole(oneshot::Sender<Vec<u8>>, Vec<u8>),
    Parts(mpsc::Sender<Vec<u8>>),
}

impl Calls {
    /// A new call.
    fn begin(&self, waiting: Waiting) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.link.began();
        self.lock().insert(id, waiting);
        id
    }

    /// A call that is answered at once.
    fn whole(&self) -> (u64, oneshot::Receiver<Vec<u8>>) {
        let (sender, answer) = oneshot::channel();
        (self.begin(Waiting::Whole(sender, Vec::new())), answer)
    }

    async fn read(self: Arc<Self>, mut frames: Frames<OwnedReadHalf>) -> Result<()> {
        let mut answers = Vec::new();
        let mut parts = Vec::new();
        while frames.fill().await? {
            {
                let mut waiting = self.lock();
                while let Some((kind, payload)) = frames.buffered() {
                    let (id, bytes) = link::split(payload)?;
                    let call = waiting.get_mut(&id).context("an answer to nothing")?;
                    match call {
                        Waiting::Whole(_, body) => body.extend_from_slice(bytes),
                        Waiting::Parts(sender) => parts.push((sender.clone(), bytes.to_vec())),
                    }
                    if kind == PART {
                        continue;
                    }
                    self.link.ended();
                    if let Some(Waiting::Whole(sender, body)) = waiting.remove(&id) {
                        answers.push((sender, body));
                    }
                }
            }
            for (sender, body) in answers.drain(..) {
                // Who has gone needs no answer.
                let _ = sender.send(body);
            }
            for (sender, part) in parts.drain(..) {
                let _ = sender.send(part).await;
            }
        }
        self.link.close();
        self.lock().clear();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Caller for Connection {
    async fn connect(address: SocketAddr) -> Result<Self> {
        let (frames, link) = link::open(TcpStream::connect(address).await?)?;
        let calls = Arc::new(Calls {
            link,
            next: AtomicU64::new(0),
            waiting: Mutex::default(),
        });
        tokio::spawn(Arc::clone(&calls).read(frames));
        Ok(Self(calls))
    }

    async fn echo(&self, id: u64) -> Result<()> {
        let (call, answer) = self.0.whole();
        let link = &self.0.link;
        link.send(ECHO, call, |out| Message::new(id).encode(out))?;
        Message::decode(&answer.await?)?.check(id)
    }

    async fn put(&self, body: Bytes) -> Result<()> {
        let (call, answer) = self.0.whole();
        self.0.link.body(call, &body).await?;
        let length = link::number(&answer.await?)?;
        ensure!(length == body.len() as u64, "not all arrived");
        Ok(())
    }

    async fn get(&self, size: u64) -> Result<()> {
        let (call, answer) = self.0.whole();
        self.0.link.number(GET, call, size)?;
        ensure!(answer.await?.len() as u64 == size, "not all arrived");
        Ok(())
    }

    fn items(&self, count: u64) -> Option<impl Future<Output = Result<()>> + Send> {
        Some(async move {
            let (sender, mut parts) = mpsc::channel(WAITING);
            let call = self.0.begin(Waiting::Parts(sender));
            self.0.link.number(ITEMS, call, count)?;
            let mut received = 0;
            while let Some(part) = parts.recv().await {
                let mut rest = &part[..];
                while let Some((&length, after)) = rest.split_first() {
                    let (item, after) = after
                        .split_at_checked(length.into())
                        .context("an item is cut")?;
                    Message::decode(item)?.check(received)?;
                    received += 1;
                    rest = after;
                }
            }
            ensure!(received == count, "the stream is too short");
            Ok(())
        })
    }
}
