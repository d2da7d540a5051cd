//! The embedded registry, `local:`: a directory of this user on this machine.
//!
//! An instance is two files under `<runtime directory>/<namespace>/<deployment>/`: `<name>.entry` says
//! where it listens and how it is, and `<name>.lock` is locked as long as its process lives. The
//! system releases the lock however the process ends, so a crash leaves no ghost: whoever finds the
//! lock free removes the entry. Lock files stay; a later instance of the same name takes them over.
//! Since an entry is only written and removed under its lock, no one can remove a newcomer's.
//!
//! Readers look at the directory every 40 ms on a thread of their own, shared by the whole process,
//! which sleeps while nobody watches.

mod advert;
mod directory;
mod entry;
mod namespace;
mod watcher;

use std::{fs, io, path::PathBuf, sync::Arc};

use tokio::sync::watch;

pub use self::{
    directory::runtime_dir,
    entry::{LocalInstance, State},
    namespace::{namespace, namespace_of},
};
use self::{
    advert::LocalAdvert,
    entry::{Slot, check_name},
    watcher::Watchers,
};
use crate::{
    discovery::{Advert, Advertisement, BoxFuture, Endpoints, Registrar, Resolver},
    error::{Code, Error, Kind},
};

/// The registry of one namespace.
#[derive(Clone, Debug)]
pub struct LocalRegistry {
    root: Arc<PathBuf>,
    watchers: Arc<Watchers>,
}

impl LocalRegistry {
    /// The registry of `namespace` under `runtime_dir`, which is made if it is not there.
    ///
    /// # Errors
    /// If the directory cannot be made, is not this user's own or is open to others, or the
    /// namespace cannot be a directory's name.
    pub fn open(runtime_dir: PathBuf, namespace: &str) -> Result<Self, Error> {
        check_name("namespace", namespace)?;
        let root = directory::prepare(&runtime_dir)
            .and_then(|()| directory::make_private(&runtime_dir.join(namespace)))
            .map_err(|error| unusable(&format!("{}: {error}", runtime_dir.display())))?;
        Ok(Self { root: Arc::new(root), watchers: Arc::default() })
    }

    /// Every live instance of `deployment`, ready or not, in the order of their names.
    ///
    /// # Errors
    /// If the name cannot be one, or the directory cannot be read.
    pub fn list(&self, deployment: &str) -> Result<Vec<LocalInstance>, Error> {
        check_name("deployment", deployment)?;
        entry::list(&self.root.join(deployment), &mut entry::Locks::default())
            .map_err(|error| unusable(&error.to_string()))
    }

    fn reserve(&self, advertisement: &Advertisement) -> Result<Slot, Error> {
        let deployment = &advertisement.deployment;
        check_name("deployment", deployment)?;
        let folder = directory::make_private(&self.root.join(deployment))
            .map_err(|error| unusable(&error.to_string()))?;
        let reserve = |name: &str| {
            Slot::reserve(&folder, name).map_err(|error| unusable(&error.to_string()))
        };
        if let Some(name) = &advertisement.instance {
            check_name("instance", name)?;
            return reserve(name)?.ok_or_else(|| {
                let message = format!("`{name}` is an instance of `{deployment}` that is alive");
                Error::new(Kind::Unavailable, message).with_code(Code::AlreadyExists)
            });
        }
        let host = namespace::host();
        for slot in 1..u32::MAX {
            if let Some(slot) = reserve(&format!("{deployment}-{host}-{slot}"))? {
                return Ok(slot);
            }
        }
        Err(unusable("every slot is taken"))
    }
}

impl Registrar for LocalRegistry {
    fn advertise(
        &self,
        advertisement: Advertisement,
    ) -> BoxFuture<'_, Result<Box<dyn Advert>, Error>> {
        Box::pin(async move {
            let slot = self.reserve(&advertisement)?;
            let advert = LocalAdvert::new(slot, &advertisement);
            Ok(Box::new(advert) as Box<dyn Advert>)
        })
    }
}

impl Resolver for LocalRegistry {
    fn watch(&self, deployment: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        check_name("deployment", deployment)?;
        Ok(self.watchers.watch(self.root.join(deployment)))
    }
}

fn unusable(message: &str) -> Error {
    Error::new(Kind::Unavailable, format!("the local registry cannot be used: {message}"))
}

/// Creates a file's content as a whole: readers see the old one or the new one.
fn replace_file(path: &std::path::Path, content: &str) -> io::Result<()> {
    let temporary = path.with_extension("new");
    fs::write(&temporary, content)?;
    fs::rename(&temporary, path)
}
