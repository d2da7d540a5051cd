//! A mesh: who serves what, and the way there.

mod client;
#[cfg(feature = "consul")]
pub mod consul;
mod duration;
mod environment;
mod fixed;
#[cfg(any(feature = "local", feature = "consul"))]
mod host;
pub(crate) mod in_process;
mod keys;
#[cfg(feature = "local")]
pub mod local;
mod name;
#[cfg(feature = "tls")]
mod tls;
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
pub use keys::KeyFile;
use tokio::{runtime::Handle, sync::watch};

use crate::{
    blocking,
    client::{Channel, ClientLimits, Connect, Dialer, Pool, Setting, balance::Balancing},
    contract::ServiceSpec,
    discovery::{Advertisement, Endpoints, Registrar, Resolver},
    error::Error,
    server::{Server, Serving, Start},
    wire::KeySource,
};
#[cfg(feature = "tls")]
use crate::{
    client::TlsDialer,
    transport::tls::{ClientTls, ServerTls},
};

/// A mesh that this process has joined: it finds instances, and announces its own.
///
/// Channels and their connections live on the runtime that the mesh was opened on, and as long as
/// the mesh does: dropping it lets calls under way finish and closes the connections. A server it
/// [`serve`](Self::serve)s has a life of its own.
///
/// Connections for methods that are not async, whose callers wait on their own threads, live on a
/// thread that this crate starts with the first of them. So do all connections of a mesh that was
/// opened outside of a runtime or by [`open_blocking`](Self::open_blocking).
pub struct Mesh {
    registrar: Arc<dyn Registrar>,
    #[cfg(feature = "consul")]
    consul: Option<consul::Consul>,
    environment: Environment,
    /// For servers that have none of their own.
    #[cfg(feature = "tls")]
    tls: Option<ServerTls>,
    setting: Setting,
    /// Where connections of async callers live: the runtime of the setting, or the I/O thread.
    home: Home,
    /// Weak, so that a pool ends with its last channel.
    pools: Mutex<HashMap<(String, Home), Weak<Pool>>>,
    /// Its drop ends the pools.
    _alive: watch::Sender<()>,
}

/// Where connections live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Home {
    /// The runtime that the mesh was opened on.
    Opener,
    /// The thread for callers that wait.
    IoThread,
}

impl Mesh {
    /// The mesh that the environment names in `MESHRPC_MESH`; `local:` unless it does.
    ///
    /// # Errors
    /// If a variable cannot be understood, the URL's scheme is unknown or its feature off, or the
    /// mesh cannot be joined.
    pub async fn from_env() -> Result<Mesh, Error> {
        let environment = Environment::read()?;
        let url = environment.mesh().value.to_owned();
        Self::joined(&url, environment).await
    }

    /// As [`from_env`](Self::from_env), for programs without a runtime.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_env_blocking() -> Result<Mesh, Error> {
        let environment = Environment::read()?;
        let url = environment.mesh().value.to_owned();
        Self::joined_blocking(&url, environment)
    }

    /// The mesh that `url` names, with the rest of the environment as
    /// [`from_env`](Self::from_env) has it.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub async fn open(url: &str) -> Result<Mesh, Error> {
        Self::joined(url, Environment::read()?).await
    }

    /// As [`open`](Self::open), for programs without a runtime.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn open_blocking(url: &str) -> Result<Mesh, Error> {
        Self::joined_blocking(url, Environment::read()?)
    }

    /// A mesh of its own within this process, for tests: only what is served on it is found on it.
    /// The environment is not read.
    ///
    /// # Panics
    /// Outside of a tokio runtime, if the system gives no thread.
    pub fn in_process() -> Mesh {
        let registry = Arc::new(InProcess::default());
        let resolver = Arc::clone(&registry) as _;
        Self::from_parts(registry, resolver, Arc::new(Dialer))
    }

    /// A mesh of these parts, for registries and transports that this crate does not have.
    ///
    /// # Panics
    /// Outside of a tokio runtime, if the system gives no thread.
    pub fn from_parts(
        registrar: Arc<dyn Registrar>,
        resolver: Arc<dyn Resolver>,
        connect: Arc<dyn Connect>,
    ) -> Mesh {
        let adapter = url::Adapter {
            registrar,
            resolver,
            connect,
            joining: None,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "consul")]
            consul: None,
        };
        let here = Handle::try_current().ok();
        match Self::assemble(adapter, Environment::default(), here) {
            Ok(mesh) => mesh,
            Err(error) => panic!("{error}"),
        }
    }

    async fn joined(url: &str, environment: Environment) -> Result<Mesh, Error> {
        let here = Handle::try_current().ok();
        let mut adapter = url::open(url, &environment)?;
        if let Some(joining) = adapter.joining.take() {
            joining.await?;
        }
        Self::assemble(adapter, environment, here)
    }

    fn joined_blocking(url: &str, environment: Environment) -> Result<Mesh, Error> {
        let mut adapter = url::open(url, &environment)?;
        if let Some(joining) = adapter.joining.take() {
            blocking::wait_for_call(joining)??;
        }
        Self::assemble(adapter, environment, None)
    }

    fn assemble(
        adapter: url::Adapter,
        environment: Environment,
        runtime: Option<Handle>,
    ) -> Result<Mesh, Error> {
        let (alive, mesh_gone) = watch::channel(());
        let default_deadline = environment.deadline().value;
        let (home, runtime) = match runtime {
            Some(runtime) => (Home::Opener, runtime),
            None => (Home::IoThread, blocking::io()?),
        };
        let url::Adapter {
            registrar,
            resolver,
            connect,
            joining: _,
            #[cfg(feature = "tls")]
            tls,
            #[cfg(feature = "consul")]
            consul,
        } = adapter;
        let keys = match environment.key_file() {
            Some(path) => Some(Arc::new(KeyFile::open(path)?) as Arc<dyn KeySource>),
            None => None,
        };
        let setting = Setting {
            resolver,
            connect,
            runtime,
            default_deadline,
            limits: Arc::default(),
            keys,
            balancing: Arc::default(),
            mesh_gone,
        };
        Ok(Mesh {
            registrar,
            #[cfg(feature = "consul")]
            consul,
            environment,
            #[cfg(feature = "tls")]
            tls,
            setting,
            home,
            pools: Mutex::default(),
            _alive: alive,
        })
    }

    /// Sets what clients take of their callees, and how often they try: for channels that are made
    /// from now on.
    #[must_use = "it returns the mesh"]
    pub fn limits(mut self, limits: ClientLimits) -> Mesh {
        self.setting.limits = Arc::new(limits);
        self.pools = Mutex::default();
        self
    }

    /// Connects, and is connected to, only where both sides prove to have one of these keys in
    /// common: for channels and servers from now on. `MESHRPC_KEY_FILE` says the same, unless this
    /// does.
    #[must_use = "it returns the mesh"]
    pub fn keys(mut self, keys: impl KeySource + 'static) -> Mesh {
        self.setting.keys = Some(Arc::new(keys));
        self.pools = Mutex::default();
        self
    }

    /// Sets how calls are spread over instances: for channels that are made from now on.
    #[must_use = "it returns the mesh"]
    pub fn balancing(mut self, balancing: Balancing) -> Mesh {
        self.setting.balancing = Arc::new(balancing);
        self.pools = Mutex::default();
        self
    }

    /// Dials TCP addresses of instances with TLS, for channels that are made from now on. What
    /// leads to a proxy goes its own way.
    ///
    /// # Errors
    /// If there is something wrong with a file or a name.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: &ClientTls) -> Result<Mesh, Error> {
        let others = Arc::clone(&self.setting.connect);
        self.setting.connect = Arc::new(TlsDialer::new(tls, others)?);
        self.pools = Mutex::default();
        Ok(self)
    }

    /// The way to a contract of a deployment; what a generated client is made of. Returns at once:
    /// connections are made in the background. Channels to one deployment share them; only
    /// contracts that had a channel when a connection was made are called positionally on it.
    pub fn channel(&self, deployment: &str, spec: &'static ServiceSpec) -> Channel {
        let blocking = spec.methods.iter().any(|method| method.blocking);
        let blocking = blocking.then(|| self.pool(deployment, Home::IoThread));
        let only_blocking = spec.methods.iter().all(|method| method.blocking);
        let pool = match &blocking {
            Some(pool) if only_blocking => Arc::clone(pool),
            _ => self.pool(deployment, self.home),
        };
        Channel::new(pool, blocking, spec)
    }

    fn pool(&self, deployment: &str, home: Home) -> Arc<Pool> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (deployment.to_owned(), home);
        if let Some(pool) = pools.get(&key).and_then(Weak::upgrade) {
            return pool;
        }
        pools.retain(|_, pool| pool.strong_count() > 0);
        let pool = match self.setting_at(home) {
            Ok(setting) => Pool::new(deployment, &setting),
            Err(error) => Pool::failed(deployment, &error, &self.setting),
        };
        let pool = Arc::new(pool);
        pools.insert(key, Arc::downgrade(&pool));
        pool
    }

    fn setting_at(&self, home: Home) -> Result<Setting, Error> {
        let mut setting = self.setting.clone();
        if home == Home::IoThread {
            setting.runtime = blocking::io()?;
        }
        Ok(setting)
    }

    /// Consul, if that is what this mesh is: services, upstreams and sidecars by hand.
    #[cfg(feature = "consul")]
    pub fn consul(&self) -> Option<&consul::Consul> {
        self.consul.as_ref()
    }

    /// Serves `deployment`: binds, registers, listens, and returns when clients can find it.
    ///
    /// # Errors
    /// If the server's contracts collide, the registry cannot be reached or has somebody else
    /// under the instance's name, the address cannot be bound, or it is a public one without TLS,
    /// [`keys`](Self::keys) or [`insecure`](crate::server::ServerBuilder::insecure).
    ///
    /// # Panics
    /// Outside of a tokio runtime; [`block_on`](crate::block_on) is one.
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
            keys: self.setting.keys.clone(),
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
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
