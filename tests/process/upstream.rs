//! An opaque proxy: one address that leads to any instance of a deployment, as a sidecar's upstream
//! does.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use meshrpc::{
    Error, Mesh,
    client::Dialer,
    discovery::{Address, BoxFuture, Endpoint, Endpoints, Resolver, Via},
    mesh::{Environment, local::Registry},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
};

/// The deployment it leads to.
const DEPLOYMENT: &str = "ledger";

/// A proxy before the instances that are listed as `ledger`.
#[derive(Clone, Debug)]
pub struct Upstream {
    inner: Arc<Inner>,
}

/// Whom a connection is led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picks {
    /// Anybody, the same each time a test runs.
    AtRandom,
    /// The next in turn.
    InTurn,
}

#[derive(Debug)]
struct Inner {
    registry: Registry,
    listed: watch::Receiver<Arc<Endpoints>>,
    picks: Picks,
    turn: AtomicUsize,
    random: Mutex<fastrand::Rng>,
    address: SocketAddr,
    accepted: AtomicU64,
    open: Arc<AtomicUsize>,
    running: Mutex<Option<AbortHandle>>,
    refusal: Mutex<Option<fn() -> Error>>,
}

impl Upstream {
    /// A proxy for the mesh that the environment names, which has to be a `local:` one.
    ///
    /// # Panics
    /// If it cannot be made.
    pub async fn new(picks: Picks) -> Self {
        let environment = Environment::read().expect("the environment can be understood");
        let registry = Registry::open(&environment).expect("a local mesh");
        let listed = registry.watch(DEPLOYMENT).expect("a deployment");
        let listener = bind(0).await;
        let inner = Inner {
            registry,
            listed,
            picks,
            turn: AtomicUsize::new(0),
            random: Mutex::new(fastrand::Rng::with_seed(4711)),
            address: listener.local_addr().expect("it is bound"),
            accepted: AtomicU64::new(0),
            open: Arc::default(),
            running: Mutex::default(),
            refusal: Mutex::default(),
        };
        let upstream = Self {
            inner: Arc::new(inner),
        };
        upstream.run(listener);
        upstream
    }

    /// A mesh whose way to every instance leads through here.
    pub fn mesh(&self) -> Mesh {
        let registrar = Arc::new(self.inner.registry.clone());
        Mesh::from_parts(registrar, Arc::new(self.clone()), Arc::new(Dialer))
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.inner.accepted.load(Ordering::Relaxed)
    }

    /// Connections that are open.
    pub fn open(&self) -> usize {
        self.inner.open.load(Ordering::Relaxed)
    }

    /// Ends every connection, and takes no more.
    pub fn stop(&self) {
        if let Some(task) = lock(&self.inner.running).take() {
            task.abort();
        }
    }

    /// Takes connections again, at the same address.
    ///
    /// # Panics
    /// If it is taken.
    pub async fn start(&self) {
        self.run(bind(self.inner.address.port()).await);
    }

    /// Closes each connection as soon as it is made, and explains that by this error, if there is one.
    pub fn refuse(&self, why: Option<fn() -> Error>) {
        *lock(&self.inner.refusal) = why;
    }

    fn run(&self, listener: TcpListener) {
        let task = tokio::spawn(accept(listener, Arc::clone(&self.inner)));
        *lock(&self.inner.running) = Some(task.abort_handle());
    }

    /// What a client is told of `truth`.
    fn behind(&self, truth: &Endpoints) -> Arc<Endpoints> {
        let listed = truth.ready.iter();
        let expected = listed.filter_map(|endpoint| endpoint.instance.clone());
        let via = Via::Opaque {
            expected: expected.collect(),
        };
        let endpoint = Endpoint {
            dial: Address::Tcp(self.inner.address),
            instance: None,
            via,
            weight: 1,
            zone: None,
        };
        Arc::new(Endpoints {
            ready: vec![endpoint],
            live: truth.live,
            trouble: truth.trouble.clone(),
        })
    }
}

impl Resolver for Upstream {
    fn watch(&self, deployment: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        let mut truth = self.inner.registry.watch(deployment)?;
        let (tell, told) = watch::channel(self.behind(&truth.borrow_and_update()));
        let upstream = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tell.closed() => return,
                    changed = truth.changed() => if changed.is_err() { return },
                }
                tell.send_replace(upstream.behind(&truth.borrow_and_update()));
            }
        });
        Ok(told)
    }

    fn explain(&self, _: &Endpoint, _: &str) -> BoxFuture<'_, Option<Error>> {
        let why = *lock(&self.inner.refusal);
        Box::pin(async move { why.map(|why| why()) })
    }
}

impl Inner {
    /// Where the next connection leads.
    fn pick(&self) -> Option<SocketAddr> {
        let listed = self.listed.borrow();
        let count = listed.ready.len();
        let turn = match self.picks {
            Picks::AtRandom => lock(&self.random).usize(..),
            Picks::InTurn => self.turn.fetch_add(1, Ordering::Relaxed),
        };
        match listed.ready.get(turn.checked_rem(count)?)?.dial {
            Address::Tcp(address) => Some(address),
            _ => None,
        }
    }
}

/// Its end ends every connection.
async fn accept(listener: TcpListener, inner: Arc<Inner>) {
    let mut connections = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        inner.accepted.fetch_add(1, Ordering::Relaxed);
        let refused = lock(&inner.refusal).is_some();
        let Some(instance) = inner.pick().filter(|_| !refused) else {
            continue;
        };
        let open = Open::new(&inner.open);
        connections.spawn(async move {
            let _open = open;
            if let Ok(mut server) = TcpStream::connect(instance).await {
                // Either end may break off.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// A connection, as it is counted.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn bind(port: u16) -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .expect("the port is free")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
