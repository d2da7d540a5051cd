//! A network in memory, with a mesh of its own on it.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    task::{Context, Poll, Waker},
};

use tokio::runtime::Handle;

use super::{Direction, Fault, Seam, link::Link, wiring::Wiring};
use crate::{
    blocking::block_on,
    mesh::{Client, Mesh, in_process::InProcess},
    server::Server,
};

/// Characters of a contract's name that the names of deployment and instances begin with.
const LONGEST_NAME: usize = 100;

/// A network within this process, whose connections fail as a test wants them to.
///
/// ```
/// # use meshrpc::{Error, Started, mesh_service};
/// use meshrpc::testing::{Fault, Network};
/// # #[mesh_service]
/// # pub trait Till { async fn charge(&self, cents: u64) -> Result<u64, Error>; }
/// # struct Drawer;
/// # impl Till for Drawer {
/// #     async fn charge(&self, cents: u64) -> Result<u64, Error> { Ok(cents) }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let network = Network::new();
/// let till: TillClient = network.pair(Drawer);
/// assert_eq!(till.charge(250).await.unwrap(), 250);
///
/// // The next reply is lost, and the connection with it.
/// network.inject_open(Fault::to_client().kill_at(0));
/// let error = till.charge(250).await.unwrap_err();
/// assert_eq!(error.started(), Started::Unknown);
///
/// // The client has connected again.
/// assert_eq!(till.charge(250).await.unwrap(), 250);
/// assert_eq!((network.struck(), network.connections()), (1, 2));
/// # }
/// ```
///
/// Clones are the same network.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

struct Inner {
    mesh: Mesh,
    registry: InProcess,
    wiring: Arc<Wiring>,
    /// Deployments of each name so far.
    named: Mutex<HashMap<String, u64>>,
}

impl Network {
    /// A network without faults, on which nothing is served.
    pub fn new() -> Self {
        let registry = InProcess::default();
        let wiring = Arc::new(Wiring::new(registry.clone()));
        let mesh = Mesh::from_parts(
            Arc::new(registry.clone()),
            Arc::new(registry.clone()),
            Arc::clone(&wiring) as _,
        );
        Self {
            inner: Arc::new(Inner {
                mesh,
                registry,
                wiring,
                named: Mutex::default(),
            }),
        }
    }

    /// Serves an implementation, and gives a client of it. It is served as long as the client or a
    /// clone of it lives; the network need not be kept.
    ///
    /// The deployment and its instance are named after the contract: `Greeter`, `Greeter-0`. A
    /// second pair of that name is `Greeter.2`, `Greeter.2-0`.
    ///
    /// It is served on the runtime that this is called on; without one, as in a test of methods that
    /// are not async, on threads of this crate's own.
    #[track_caller]
    pub fn pair<C, S>(&self, service: S) -> C
    where
        C: Seam<S>,
    {
        self.pair_of([service])
    }

    /// Serves several implementations as the instances of one deployment, and gives a client that
    /// calls them in turn. Otherwise as [`pair`](Self::pair); the instances are `Greeter-0`,
    /// `Greeter-1`, and so on.
    ///
    /// # Panics
    /// If there is no implementation.
    #[track_caller]
    pub fn pair_of<C, S>(&self, services: impl IntoIterator<Item = S>) -> C
    where
        C: Seam<S>,
    {
        let server = |service| Server::builder().service(C::handler(service)).build();
        self.join(services.into_iter().map(server))
    }

    /// As [`pair`](Self::pair), for a server with what a test needs beside the implementation:
    /// layers, limits, or several contracts.
    ///
    /// ```
    /// # use meshrpc::{mesh_service, testing::Network};
    /// # #[mesh_service]
    /// # pub trait Greeter { async fn greet(&self, name: &str) -> anyhow::Result<String>; }
    /// # struct Polite;
    /// # impl Greeter for Polite {
    /// #     async fn greet(&self, name: &str) -> anyhow::Result<String> { Ok(name.to_owned()) }
    /// # }
    /// use meshrpc::{Limits, Server};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut small = Limits::default();
    /// small.max_message = 100;
    /// let server = Server::builder().service(GreeterHandler::new(Polite)).limits(small).build();
    /// let greeter: GreeterClient = Network::new().pair_with(server);
    /// assert!(greeter.greet("Max").await.is_ok());
    /// assert!(greeter.greet(&"Max".repeat(100)).await.is_err());
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the server's contracts collide.
    #[track_caller]
    pub fn pair_with<C: Client>(&self, server: Server) -> C {
        self.join([server])
    }

    /// Serves a deployment, and gives a client of it.
    #[track_caller]
    fn join<C: Client>(&self, servers: impl IntoIterator<Item = Server>) -> C {
        match Handle::try_current() {
            Ok(_) => self.join_here(servers),
            Err(_) => block_on(async { self.join_here(servers) }),
        }
    }

    /// As [`join`](Self::join), on a runtime.
    #[track_caller]
    fn join_here<C: Client>(&self, servers: impl IntoIterator<Item = Server>) -> C {
        let deployment = self.name(C::spec().name);
        let mut servings = Vec::new();
        for server in servers {
            servings.push(at_once(self.inner.mesh.serve(&deployment, server)));
        }
        assert!(!servings.is_empty(), "a pair needs an implementation");
        let client = C::connect(&self.inner.mesh, &deployment);
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            inner.registry.unwatched(&deployment).await;
            drop(servings);
        });
        client
    }

    /// The mesh on this network, for what pairs don't do: a [`Server`] with layers and limits,
    /// instances that drain, implementations that call others. What is served and connected on it
    /// is under the network's faults as well. It lives as long as the network or a pair on it.
    pub fn mesh(&self) -> &Mesh {
        &self.inner.mesh
    }

    /// Puts connections that are made from now on under `fault`.
    pub fn inject(&self, fault: Fault) {
        self.inner.wiring.inject(fault);
    }

    /// Puts the connections that are open now under `fault`, whose bytes are counted from the next
    /// one of each.
    ///
    /// # Panics
    /// If the fault names a [`connection`](Fault::connection): those that are open have no number.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "as `inject` takes it")]
    pub fn inject_open(&self, fault: Fault) {
        assert!(
            fault.connection.is_none(),
            "connections are numbered when they are made: use `inject`, or leave the number out"
        );
        self.inner.wiring.each_open(|link| {
            if fault.concerns(&link.instance) {
                link.add(&fault);
            }
        });
    }

    /// Refuses the next `dials`: nobody listens there. Clients try again after a growing pause.
    pub fn refuse_next(&self, dials: u64) {
        self.inner.wiring.refuse_next(dials);
    }

    /// Ends every connection that is open.
    pub fn kill(&self) {
        self.inner.wiring.each_open(Link::kill);
    }

    /// Ends every open connection to one instance.
    pub fn kill_instance(&self, instance: &str) {
        self.inner.wiring.each_open(|link| {
            if *link.instance == *instance {
                link.kill();
            }
        });
    }

    /// Lets nothing pass: what is sent is held back, and who dials waits. Connections stay open,
    /// until a side finds the other one silent for too long.
    pub fn partition(&self) {
        self.inner.wiring.cut_off(None);
    }

    /// As [`partition`](Self::partition), for one instance only.
    pub fn isolate(&self, instance: &str) {
        self.inner.wiring.cut_off(Some(instance));
    }

    /// Makes it a network without faults: everything that was injected, refusals, and a partition
    /// end, and what was held back goes on.
    pub fn heal(&self) {
        self.inner.wiring.heal();
    }

    /// Connections made so far. A dial that was refused made none.
    pub fn connections(&self) -> u64 {
        self.inner.wiring.connections()
    }

    /// Bytes sent so far over all connections, those that were lost on the way included.
    pub fn bytes(&self, direction: Direction) -> u64 {
        let tally = &self.inner.wiring.tally;
        let bytes = match direction {
            Direction::ToServer => &tally.to_server,
            Direction::ToClient => &tally.to_client,
        };
        bytes.load(Ordering::Relaxed)
    }

    /// How often a fault took effect: a dial refused; a connection ended or stalled, a bit flipped,
    /// bytes lost. Delays and pieces don't count. A test whose fault never struck has tested
    /// nothing.
    pub fn struck(&self) -> u64 {
        self.inner.wiring.tally.struck.load(Ordering::Relaxed)
    }

    /// A name for a deployment that serves `contract`.
    fn name(&self, contract: &str) -> String {
        let plain = |char: char| match char {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => char,
            _ => '_',
        };
        let name: String = contract.chars().take(LONGEST_NAME).map(plain).collect();
        let mut named = self
            .inner
            .named
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let number = named.entry(name.clone()).or_default();
        *number += 1;
        match number {
            1 => name,
            number => format!("{name}.{number}"),
        }
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("connections", &self.connections())
            .field("struck", &self.struck())
            .finish_non_exhaustive()
    }
}

/// What a server of this process needs to be up: it waits for nobody.
#[track_caller]
fn at_once<T>(serve: impl Future<Output = Result<T, crate::Error>>) -> T {
    match pin!(serve).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(serving)) => serving,
        Poll::Ready(Err(error)) => panic!("the pair cannot be served: {error}"),
        Poll::Pending => panic!("the pair cannot be served at once"),
    }
}
