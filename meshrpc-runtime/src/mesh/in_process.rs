//! A registry in memory: what is served on it is found on it, and nowhere else.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{
    discovery::{
        Address, Advert, Advertisement, BoxFuture, Endpoint, Endpoints, Health, Instance, Registrar,
        Resolver, Via,
    },
    error::{Code, Error, Kind},
};

/// The registry. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct InProcess {
    deployments: Arc<Mutex<HashMap<String, Deployment>>>,
}

#[derive(Debug)]
struct Deployment {
    /// By stable name.
    entries: BTreeMap<Arc<str>, Entry>,
    list: watch::Sender<Arc<Endpoints>>,
}

#[derive(Debug)]
struct Entry {
    epoch: u64,
    address: Option<Address>,
    health: Health,
}

#[derive(Debug)]
struct Announced {
    registry: InProcess,
    deployment: String,
    instance: Instance,
    bind: Address,
}

impl InProcess {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Deployment>> {
        self.deployments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registrar for InProcess {
    fn advertise(
        &self,
        advertisement: Advertisement,
    ) -> BoxFuture<'_, Result<Box<dyn Advert>, Error>> {
        let Advertisement { deployment, instance, epoch, listen } = advertisement;
        let mut deployments = self.lock();
        let entries = &mut deployments.entry(deployment.clone()).or_default().entries;
        let name: Arc<str> = match instance {
            Some(name) if entries.contains_key(name.as_str()) => {
                let message = format!("`{name}` is an instance of `{deployment}` already");
                let taken = Error::new(Kind::Unavailable, message).with_code(Code::AlreadyExists);
                return Box::pin(async { Err(taken) });
            }
            Some(name) => name.into(),
            None => lowest_free(&deployment, entries),
        };
        let entry = Entry { epoch, address: None, health: Health::Starting };
        entries.insert(Arc::clone(&name), entry);
        drop(deployments);
        let announced = Announced {
            registry: self.clone(),
            deployment,
            instance: Instance { name, epoch },
            bind: listen.unwrap_or(Address::InProcess(0)),
        };
        Box::pin(async { Ok(Box::new(announced) as Box<dyn Advert>) })
    }
}

fn lowest_free(deployment: &str, entries: &BTreeMap<Arc<str>, Entry>) -> Arc<str> {
    let free = |slot: &u32| !entries.contains_key(format!("{deployment}-{slot}").as_str());
    // More instances than numbers cannot be in one process.
    let slot = (1..u32::MAX).find(free).unwrap_or(u32::MAX);
    format!("{deployment}-{slot}").into()
}

impl Resolver for InProcess {
    fn watch(&self, deployment: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        Ok(self.lock().entry(deployment.to_owned()).or_default().list.subscribe())
    }
}

impl Announced {
    fn change(&self, change: impl FnOnce(&mut Entry)) {
        let mut deployments = self.registry.lock();
        let Some(deployment) = deployments.get_mut(&self.deployment) else { return };
        let mine = deployment.entries.get_mut(&self.instance.name);
        if let Some(entry) = mine.filter(|entry| entry.epoch == self.instance.epoch) {
            change(entry);
            deployment.publish();
        }
    }

    fn remove(&self) {
        let mut deployments = self.registry.lock();
        let Some(deployment) = deployments.get_mut(&self.deployment) else { return };
        let mine = deployment.entries.get(&self.instance.name);
        if mine.is_some_and(|entry| entry.epoch == self.instance.epoch) {
            deployment.entries.remove(&self.instance.name);
            deployment.publish();
        }
    }
}

impl Advert for Announced {
    fn bind(&self) -> Address {
        self.bind.clone()
    }

    fn instance(&self) -> &Instance {
        &self.instance
    }

    fn bound(&mut self, address: Address) -> BoxFuture<'_, Result<(), Error>> {
        self.change(|entry| entry.address = Some(address));
        Box::pin(async { Ok(()) })
    }

    fn set_health(&mut self, health: Health) -> BoxFuture<'_, Result<(), Error>> {
        self.change(|entry| entry.health = health);
        Box::pin(async { Ok(()) })
    }

    fn withdraw(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        self.remove();
        Box::pin(async { Ok(()) })
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        self.remove();
    }
}

impl Default for Deployment {
    fn default() -> Self {
        let list = Endpoints { ready: Vec::new(), live: true };
        Self { entries: BTreeMap::new(), list: watch::Sender::new(Arc::new(list)) }
    }
}

impl Deployment {
    fn publish(&self) {
        let endpoint = |(name, entry): (&Arc<str>, &Entry)| {
            let dial = entry.address.clone().filter(|_| entry.health == Health::Ready)?;
            let instance = Instance { name: Arc::clone(name), epoch: entry.epoch };
            Some(Endpoint { dial, instance: Some(instance), via: Via::Direct, weight: 1, zone: None })
        };
        let ready = self.entries.iter().filter_map(endpoint).collect();
        self.list.send_replace(Arc::new(Endpoints { ready, live: true }));
    }
}
