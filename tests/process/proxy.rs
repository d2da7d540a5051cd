//! A proxy between processes that damages what passes.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use meshrpc::{discovery::Address, testing::Direction};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

use super::{Instance, eventually};

/// Stands before an instance, and damages what its next connection carries.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What happens to the bytes that go one way, counted from the connection's first.
#[derive(Clone, Copy, Debug)]
pub enum Damage {
    /// The lowest bit of this byte arrives changed.
    Flip(u64),
    /// This byte and those after it do not arrive; whoever sends them to the server is held up.
    Stop(u64),
}

#[derive(Debug, Default)]
struct Shared {
    next: Mutex<Option<(Direction, Damage)>>,
    connections: AtomicU64,
    struck: AtomicU64,
}

impl Proxy {
    /// A proxy before an instance that listens on TCP.
    ///
    /// # Panics
    /// If it does not, or there is no port.
    pub async fn before(instance: &Instance) -> Self {
        let Address::Tcp(server) = *instance.address() else {
            panic!("`{}` is not on TCP", instance.name());
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("there is a port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::<Shared>::default();
        let task = tokio::spawn(accept(listener, server, Arc::clone(&shared)));
        Self {
            address,
            shared,
            task,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Damages what the next connection carries this way.
    pub fn damage_next(&self, direction: Direction, damage: Damage) {
        *self.shared.next() = Some((direction, damage));
    }

    /// Connections made so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// How often damage was done.
    pub fn struck(&self) -> u64 {
        self.shared.struck.load(Ordering::Relaxed)
    }

    /// Waits until damage was done so often.
    ///
    /// # Panics
    /// If it is not.
    pub async fn has_struck(&self, times: u64) {
        eventually("bytes are damaged", async || self.struck() >= times).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn next(&self) -> std::sync::MutexGuard<'_, Option<(Direction, Damage)>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        // A server that is not there refuses the proxy's client as it would refuse any.
        let Ok(server) = TcpStream::connect(server).await else {
            continue;
        };
        shared.connections.fetch_add(1, Ordering::Relaxed);
        let damage = shared.next().take();
        tokio::spawn(pass(client, server, damage, Arc::clone(&shared)));
    }
}

/// Passes bytes both ways until either way ends, and then ends both.
async fn pass(
    client: TcpStream,
    server: TcpStream,
    damage: Option<(Direction, Damage)>,
    shared: Arc<Shared>,
) {
    let on = |way| {
        damage
            .filter(|(of, _)| *of == way)
            .map(|(_, damage)| damage)
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, Direction::ToServer, on(Direction::ToServer), &shared) => {}
        () = pump(from_server, to_client, Direction::ToClient, on(Direction::ToClient), &shared) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    way: Direction,
    damage: Option<Damage>,
    shared: &Shared,
) {
    let mut buffer = vec![0; 16 << 10];
    let mut passed = 0_u64;
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        let place = |byte: u64| {
            let place = usize::try_from(byte.checked_sub(passed)?).ok()?;
            (place < read).then_some(place)
        };
        let mut keep = read;
        match damage {
            Some(Damage::Flip(byte)) => {
                if let Some(place) = place(byte) {
                    buffer[place] ^= 1;
                    shared.struck.fetch_add(1, Ordering::Relaxed);
                }
            }
            Some(Damage::Stop(byte)) => keep = place(byte).unwrap_or(read),
            None => {}
        }
        if to.write_all(&buffer[..keep]).await.is_err() {
            return;
        }
        passed += read as u64;
        if keep < read {
            shared.struck.fetch_add(1, Ordering::Relaxed);
            return stopped(from, way).await;
        }
    }
}

/// Lets nothing pass any more. A server's end is still noticed; a client is not read from.
async fn stopped(mut from: OwnedReadHalf, way: Direction) {
    match way {
        Direction::ToServer => std::future::pending().await,
        Direction::ToClient => {
            let mut buffer = vec![0; 16 << 10];
            while from.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
        }
    }
}
