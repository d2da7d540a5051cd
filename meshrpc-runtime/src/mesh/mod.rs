//! A mesh: who serves what, and the way there.

mod client;
mod environment;
mod fixed;
pub(crate) mod in_process;
#[cfg(feature = "local")]
pub mod local;
mod name;
mod url;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{SystemTime, UNIX_EPOCH},
};

pub use client::Client;
pub use environment::{Chosen, Environment};
use in_process::InProcess;
use tokio::{runtime::Handle, sync::watch};

use crate::{
    client::{Channel, Connect, Dialer, Pool, Setting},
    contract::ServiceSpec,
    discovery::{Advertisement, Endpoints, Registrar, Resolver},
    error::Error,
    server::{Server, Serving, Start},
};

/// A mesh that this process has joined: it finds instances, and announces its own.
///
/// Channels and their connections live on the runtime that the mesh was opened on, and as long as
/// the mesh does: dropping it lets calls under way finish and closes the connections. A server it
/// [`serve`](Self::serve)s has a life of its own.
pub struct Mesh {
    registrar: Arc<dyn Registrar>,
    environment: Environment,
    setting: Setting,
    /// Weak, so that a pool ends with its last channel.
    pools: Mutex<HashMap<String, Weak<Pool>>>,
    /// Its drop ends the pools.
    _alive: watch::Sender<()>,
}

impl Mesh {
    /// The mesh that the environment names in `MESHRPC_MESH`; `local:` unless it does.
    ///
    /// # Errors
    /// If a variable cannot be understood, the URL's scheme is unknown or its feature off, or the
    /// mesh cannot be joined.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn from_env() -> Result<Mesh, Error> {
        let environment = Environment::read()?;
        let url = environment.mesh().value.to_owned();
        Self::join(&url, environment)
    }

    /// The mesh that `url` names, with the rest of the environment as
    /// [`from_env`](Self::from_env) has it.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn open(url: &str) -> Result<Mesh, Error> {
        Self::join(url, Environment::read()?)
    }

    /// A mesh of its own within this process, for tests: only what is served on it is found on it.
    /// The environment is not read.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn in_process() -> Mesh {
        let registry = Arc::new(InProcess::default());
        let resolver = Arc::clone(&registry) as _;
        Self::assemble(registry, resolver, Arc::new(Dialer), Environment::default())
    }

    /// A mesh of these parts, for registries and transports that this crate does not have.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn from_parts(
        registrar: Arc<dyn Registrar>,
        resolver: Arc<dyn Resolver>,
        connect: Arc<dyn Connect>,
    ) -> Mesh {
        Self::assemble(registrar, resolver, connect, Environment::default())
    }

    fn join(url: &str, environment: Environment) -> Result<Mesh, Error> {
        let (registrar, resolver) = url::open(url, &environment)?;
        Ok(Self::assemble(
            registrar,
            resolver,
            Arc::new(Dialer),
            environment,
        ))
    }

    fn assemble(
        registrar: Arc<dyn Registrar>,
        resolver: Arc<dyn Resolver>,
        connect: Arc<dyn Connect>,
        environment: Environment,
    ) -> Mesh {
        let (alive, mesh_gone) = watch::channel(());
        let default_deadline = environment.deadline().value;
        let runtime = Handle::current();
        let setting = Setting {
            resolver,
            connect,
            runtime,
            default_deadline,
            mesh_gone,
        };
        Mesh {
            registrar,
            environment,
            setting,
            pools: Mutex::default(),
            _alive: alive,
        }
    }

    /// The way to a contract of a deployment; what a generated client is made of. Returns at once:
    /// connections are made in the background. Channels to one deployment share them; only
    /// contracts that had a channel when a connection was made are called positionally on it.
    pub fn channel(&self, deployment: &str, spec: &'static ServiceSpec) -> Channel {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = match pools.get(deployment).and_then(Weak::upgrade) {
            Some(pool) => pool,
            None => {
                pools.retain(|_, pool| pool.strong_count() > 0);
                let pool = Arc::new(Pool::new(deployment, &self.setting));
                pools.insert(deployment.to_owned(), Arc::downgrade(&pool));
                pool
            }
        };
        Channel::new(pool, spec)
    }

    /// Serves `deployment`: binds, registers, listens, and returns when clients can find it.
    ///
    /// # Errors
    /// If the server's contracts collide, the registry cannot be reached or has somebody else
    /// under the instance's name, the address cannot be bound, or it is a public one without
    /// [`insecure`](crate::server::ServerBuilder::insecure).
    pub async fn serve(&self, deployment: &str, server: Server) -> Result<Serving, Error> {
        let advertisement = Advertisement {
            deployment: deployment.to_owned(),
            instance: self.environment.instance().map(str::to_owned),
            epoch: boot_epoch(),
            listen: self.environment.listen().cloned(),
        };
        let registrar = Arc::clone(&self.registrar);
        Start {
            registrar,
            advertisement,
        }
        .run(&server)
        .await
    }
}

/// Tells this boot of an instance from every other: nanoseconds, so that even a restart within the
/// clock's second differs.
fn boot_epoch() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    // In range until the year 2554.
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Mesh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mesh")
            .field("registrar", &self.registrar)
            .field("resolver", &self.setting.resolver)
            .finish_non_exhaustive()
    }
}

/// Tells the followers, if there is news.
fn announce(sender: &watch::Sender<Arc<Endpoints>>, now: Endpoints) {
    sender.send_if_modified(|known| {
        let news = **known != now;
        if news {
            *known = Arc::new(now);
        }
        news
    });
}
