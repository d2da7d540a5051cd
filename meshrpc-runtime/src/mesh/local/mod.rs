//! `local:`: a registry in a directory, for one user on one machine, without a server.
//!
//! ```text
//! <runtime directory>/<namespace>/<deployment>/<instance>
//! ```
//!
//! An instance is one small file, and the process that announced it holds an exclusive lock on it.
//! The kernel drops the lock when the process ends, however it ends, so an entry is exactly as
//! alive as its process: there is no heartbeat to miss and no ghost to wait out.
//!
//! Entries only ever change by rename, from one locked file to another, so that a reader sees an
//! old or a new entry, never half of one and never one that seems dead in between. Only whoever
//! holds the deployment's `.lock` gives names out or removes dead entries, so that a name which is
//! taken again cannot be removed by somebody who still thinks it dead.

mod entry;
mod follow;
mod namespace;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use self::entry::{Claim, Held, Record};
use super::{
    Environment,
    environment::Chosen,
    host::{self, unusable},
    name::{self, invalid},
};
use crate::{
    discovery::{
        Address, Advert, Advertisement, BoxFuture, Endpoints, Health, Instance, Registrar, Resolver,
    },
    error::{Code, Error, Kind},
};

pub use namespace::namespace_of_workspace;

/// The registry of one namespace.
#[derive(Clone, Debug)]
pub struct Registry {
    runtime_dir: Chosen<PathBuf>,
    namespace: Chosen<String>,
    path: PathBuf,
}

/// An instance as the registry lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name and epoch.
    pub instance: Instance,
    /// How clients see it.
    pub health: Health,
    /// Where it listens, once it does.
    pub address: Option<Address>,
    /// The process.
    pub pid: u32,
}

#[derive(Debug)]
struct LocalAdvert {
    instance: Instance,
    bind: Address,
    /// Shared with the thread that puts the entry back should somebody sweep it away.
    held: Arc<Mutex<Held>>,
}

impl Registry {
    /// The registry that `environment` points to. Its directories are created for this user alone.
    ///
    /// # Errors
    /// If the runtime directory cannot be created, belongs to another user, is open to others, or
    /// is a symbolic link.
    pub fn open(environment: &Environment) -> Result<Self, Error> {
        let runtime_dir = host::runtime_dir(environment)?;
        let namespace = namespace::namespace(environment)?;
        let path = runtime_dir.value.join(&namespace.value);
        host::create_private(&path).map_err(|error| unusable(&path, error))?;
        Ok(Self {
            runtime_dir,
            namespace,
            path,
        })
    }

    /// The namespace, and why it is this one.
    pub fn namespace(&self) -> Chosen<&str> {
        Chosen {
            value: &self.namespace.value,
            because: self.namespace.because.clone(),
        }
    }

    /// The runtime directory, and why it is this one.
    pub fn runtime_dir(&self) -> Chosen<std::path::Display<'_>> {
        Chosen {
            value: self.runtime_dir.value.display(),
            because: self.runtime_dir.because.clone(),
        }
    }

    /// Every deployment that was ever announced or followed here, sorted.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn deployments(&self) -> Result<Vec<String>, Error> {
        let names = entry::names(&self.path).map_err(|error| unusable(&self.path, error))?;
        Ok(names)
    }

    /// The living instances of `deployment`, whatever their health, sorted by name.
    ///
    /// # Errors
    /// If the deployment's name cannot be one, or the directory cannot be read.
    pub fn list(&self, deployment: &str) -> Result<Vec<Entry>, Error> {
        let path = self.deployment(deployment)?;
        let scan = match entry::scan(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            scan => scan.map_err(|error| unusable(&path, error))?,
        };
        Ok(scan
            .alive
            .into_iter()
            .map(|(name, record)| Entry::new(name, record))
            .collect())
    }

    fn deployment(&self, deployment: &str) -> Result<PathBuf, Error> {
        name::check("the deployment", deployment)?;
        Ok(self.path.join(deployment))
    }

    fn claim(&self, advertisement: Advertisement) -> Result<LocalAdvert, Error> {
        let Advertisement {
            deployment,
            instance,
            epoch,
            listen,
        } = advertisement;
        let path = self.deployment(&deployment)?;
        if let Some(name) = &instance {
            name::check("the instance", name)?;
        }
        host::create_private(&path).map_err(|error| unusable(&path, error))?;
        let record = Record {
            epoch,
            pid: std::process::id(),
            health: Health::Starting,
            address: None,
        };
        let prefix = host::slot_prefix(&deployment);
        let wanted = instance
            .as_deref()
            .map_or(Claim::LowestSlot(&prefix), Claim::Named);
        let held = match Held::claim(&path, &wanted, record) {
            Ok(held) => held,
            Err(entry::ClaimError::Taken { name, pid }) => {
                let owner = pid.map_or(String::new(), |pid| format!(" {pid}"));
                let message = format!(
                    "the instance `{name}` of `{deployment}` is alive in process{owner}: two \
                     processes cannot have one stable name"
                );
                return Err(Error::new(Kind::Unavailable, message).with_code(Code::AlreadyExists));
            }
            Err(entry::ClaimError::Io(error)) => return Err(unusable(&path, error)),
        };
        let name = held.name().into();
        let held = Arc::new(Mutex::new(held));
        follow::keep(&held).map_err(|error| unusable(&path, error))?;
        Ok(LocalAdvert {
            instance: Instance { name, epoch },
            bind: listen.unwrap_or_else(|| Address::Tcp(([127, 0, 0, 1], 0).into())),
            held,
        })
    }
}

impl Entry {
    fn new(name: String, record: Record) -> Self {
        let Record {
            epoch,
            pid,
            health,
            address,
        } = record;
        Self {
            instance: Instance {
                name: name.into(),
                epoch,
            },
            health,
            address,
            pid,
        }
    }
}

impl Registrar for Registry {
    fn advertise(
        &self,
        advertisement: Advertisement,
    ) -> BoxFuture<'_, Result<Box<dyn Advert>, Error>> {
        let registry = self.clone();
        Box::pin(async move {
            let advert = off_thread(move || registry.claim(advertisement)).await?;
            Ok(Box::new(advert) as Box<dyn Advert>)
        })
    }
}

impl Resolver for Registry {
    fn watch(&self, deployment: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        let path = self.deployment(deployment)?;
        follow::follow(&path).map_err(|error| unusable(&path, error))
    }
}

impl LocalAdvert {
    fn change(
        &self,
        change: impl FnOnce(&mut Record) -> Result<(), Error> + Send + 'static,
    ) -> BoxFuture<'static, Result<(), Error>> {
        let held = Arc::clone(&self.held);
        Box::pin(off_thread(move || {
            let mut held = lock(&held);
            let mut record = held.record().clone();
            change(&mut record)?;
            held.publish(record)
                .map_err(|error| unusable(held.directory(), error))
        }))
    }
}

impl Advert for LocalAdvert {
    fn bind(&self) -> Address {
        self.bind.clone()
    }

    fn instance(&self) -> &Instance {
        &self.instance
    }

    fn bound(&mut self, address: Address) -> BoxFuture<'_, Result<(), Error>> {
        self.change(move |record| {
            record.address = Some(dialable(address)?);
            Ok(())
        })
    }

    fn set_health(&mut self, health: Health) -> BoxFuture<'_, Result<(), Error>> {
        let changed = self.change(move |record| {
            if health == Health::Ready && record.address.is_none() {
                let message = "an instance cannot be ready before its listener is bound";
                return Err(
                    Error::new(Kind::Unavailable, message).with_code(Code::FailedPrecondition)
                );
            }
            record.health = health;
            Ok(())
        });
        Box::pin(async move {
            changed.await?;
            if health == Health::Draining {
                tokio::time::sleep(SEEN).await;
            }
            Ok(())
        })
    }

    fn withdraw(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let held = Arc::clone(&self.held);
        Box::pin(off_thread(move || {
            let mut held = lock(&held);
            held.withdraw()
                .map_err(|error| unusable(held.directory(), error))
        }))
    }
}

impl Drop for LocalAdvert {
    fn drop(&mut self) {
        // A file that cannot be removed is a dead entry as soon as this process is gone.
        let _ = lock(&self.held).withdraw();
    }
}

/// After this time every follower that is not stopped has seen a change.
const SEEN: Duration = follow::POLL.saturating_mul(2);

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The address under which this machine reaches a listener.
fn dialable(address: Address) -> Result<Address, Error> {
    match address {
        Address::Tcp(mut address) => {
            if address.ip().is_unspecified() {
                address.set_ip(match address {
                    std::net::SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                    std::net::SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
                });
            }
            Ok(Address::Tcp(address))
        }
        Address::Unix(path) => match path.to_str() {
            Some(text) if !text.contains('\n') => Ok(Address::Unix(path)),
            _ => Err(invalid(
                "the path of a Unix socket has to be one line of UTF-8".to_owned(),
            )),
        },
        Address::InProcess(_) => Err(invalid(
            "other processes cannot dial a listener in this one".to_owned(),
        )),
    }
}

/// Runs file system work where it may block.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            Err(Error::new(Kind::Unavailable, "the runtime is shutting down").with_source(error))
        }
    }
}
