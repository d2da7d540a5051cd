//! A `local:` registry with its files, locks and follower, in step with the virtual clock, and what
//! it is made to say that is not so.
//!
//! The registry's thread knows the real clock only. So whoever changes an entry waits, in a blocking
//! task, until the thread has seen the change: tokio does not let the paused clock go on meanwhile.
//! Only then are the clients told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use meshrpc::{
    Error,
    discovery::{
        Address, Advert, Advertisement, BoxFuture, Endpoint, Endpoints, Health, Instance,
        Registrar, Resolver,
    },
    mesh::local::Registry,
};
use tokio::sync::watch;

use crate::{DEPLOYMENT, door::Door, wires::Wires};

/// How long the registry's thread may take to see a change.
const CAP: Duration = Duration::from_secs(30);

/// The registry.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    registry: Registry,
    /// What the registry's thread has seen.
    followed: watch::Receiver<Arc<Endpoints>>,
    /// What the clients are told.
    told: Mutex<Arc<Endpoints>>,
    /// One for each client: those who wait for one channel are woken in no order.
    ears: Mutex<Vec<watch::Sender<Arc<Endpoints>>>>,
    lies: Mutex<Lies>,
    wires: Arc<Wires>,
}

/// What clients are told that is not so.
#[derive(Debug, Default)]
struct Lies {
    /// Instances that are there and not listed.
    hidden: BTreeSet<String>,
    /// Instances that are listed and not there.
    ghosts: BTreeMap<String, Endpoint>,
    /// Instances that are listed under the address of another.
    swapped: BTreeMap<String, String>,
    /// The registry cannot be asked.
    silent: bool,
}

/// Announces one instance.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) directory: Directory,
    pub(crate) name: String,
}

#[derive(Debug)]
struct SeatAdvert {
    directory: Directory,
    name: String,
    real: Box<dyn Advert>,
}

impl Directory {
    pub(crate) fn new(registry: Registry, wires: Arc<Wires>) -> Self {
        let followed = registry.watch(DEPLOYMENT).expect("a name of a deployment");
        let inner = Inner {
            registry,
            followed,
            told: Mutex::default(),
            ears: Mutex::default(),
            lies: Mutex::default(),
            wires,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Waits until clients know that `name` is in this state, or not announced.
    pub(crate) async fn settle(&self, name: &str, health: Option<Health>) {
        let (inner, name) = (Arc::clone(&self.inner), name.to_owned());
        let seen = tokio::task::spawn_blocking(move || inner.wait_for(&name, health));
        seen.await.expect("the registry's thread sees the change");
        self.tell();
    }

    /// Does not list an instance that is there.
    pub(crate) fn hide(&self, name: &str) {
        self.lies().hidden.insert(name.to_owned());
        self.tell();
    }

    /// Goes on listing an instance as it is now, whatever becomes of it.
    pub(crate) fn keep(&self, name: &str) {
        let found = self.inner.endpoint(name);
        let ghost = found.expect("an instance that is listed");
        self.lies().ghosts.insert(name.to_owned(), ghost);
    }

    /// Lists an instance under the address of `other`.
    pub(crate) fn swap(&self, name: &str, other: &str) {
        self.lies()
            .swapped
            .insert(name.to_owned(), other.to_owned());
        self.tell();
    }

    /// Nobody can ask the registry, and what clients know is as old as that.
    pub(crate) fn fall_silent(&self) {
        self.lies().silent = true;
        self.tell();
    }

    /// The registry can be asked again.
    pub(crate) fn speak(&self) {
        self.lies().silent = false;
        self.tell();
    }

    /// Tells the truth about an instance.
    pub(crate) fn be_true(&self, name: &str) {
        let mut lies = self.lies();
        lies.hidden.remove(name);
        lies.ghosts.remove(name);
        lies.swapped.remove(name);
        drop(lies);
        self.tell();
    }

    /// The instances that clients are told of.
    pub(crate) fn listed(&self) -> Vec<String> {
        lock(&self.inner.told).ready.iter().map(name_of).collect()
    }

    /// Tells the clients what is seen, and what is not so.
    fn tell(&self) {
        let lies = self.lies();
        let mut told = lock(&self.inner.told);
        let now = match lies.silent {
            true => Endpoints::last_known(told.ready.clone(), None),
            false => Endpoints::live(lies.applied(&self.inner.followed.borrow())),
        };
        drop(lies);
        for endpoint in &now.ready {
            // Dialled at once: new, restarted or moved.
            if !told.ready.contains(endpoint) {
                self.inner.wires.announced(&name_of(endpoint));
            }
        }
        *told = Arc::new(now);
        for ear in &*lock(&self.inner.ears) {
            ear.send_replace(Arc::clone(&told));
        }
    }

    fn lies(&self) -> MutexGuard<'_, Lies> {
        lock(&self.inner.lies)
    }
}

impl Inner {
    /// Waits, on the real clock, until the registry's thread has seen the state of `name`.
    fn wait_for(&self, name: &str, health: Option<Health>) {
        let end = Instant::now() + CAP;
        loop {
            let entries = self.registry.list(DEPLOYMENT).expect("it can be listed");
            let entry = entries.iter().find(|entry| *entry.instance.name == *name);
            let ready = entries.iter().filter(|entry| entry.health == Health::Ready);
            let ready: Vec<Instance> = ready.map(|entry| entry.instance.clone()).collect();
            if entry.map(|entry| entry.health) == health && self.has_seen(&ready) {
                return;
            }
            assert!(
                Instant::now() < end,
                "{name} is not {health:?} within {CAP:?}"
            );
            thread::sleep(Duration::from_micros(200));
        }
    }

    fn has_seen(&self, ready: &[Instance]) -> bool {
        let followed = self.followed.borrow();
        let seen = followed.ready.iter().map(|endpoint| &endpoint.instance);
        let same = seen.flatten().eq(ready);
        same && followed.live
    }

    fn endpoint(&self, name: &str) -> Option<Endpoint> {
        let followed = self.followed.borrow();
        let mut listed = followed.ready.iter();
        listed.find(|endpoint| name_of(endpoint) == name).cloned()
    }
}

impl Lies {
    fn applied(&self, truth: &Endpoints) -> Vec<Endpoint> {
        let mut listed: BTreeMap<String, Endpoint> = self.ghosts.clone();
        let of_truth = truth.ready.iter();
        listed.extend(of_truth.map(|endpoint| (name_of(endpoint), endpoint.clone())));
        let doors: BTreeMap<String, Address> = listed
            .iter()
            .map(|(name, endpoint)| (name.clone(), endpoint.dial.clone()))
            .collect();
        for (name, other) in &self.swapped {
            if let (Some(endpoint), Some(address)) = (listed.get_mut(name), doors.get(other)) {
                endpoint.dial = Door::of(address).said_of(name).address();
            }
        }
        listed.retain(|name, _| !self.hidden.contains(name));
        listed.into_values().collect()
    }
}

impl Resolver for Directory {
    fn watch(&self, _: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        let (ear, heard) = watch::channel(Arc::clone(&lock(&self.inner.told)));
        lock(&self.inner.ears).push(ear);
        Ok(heard)
    }
}

impl Registrar for Seat {
    fn advertise(
        &self,
        advertisement: Advertisement,
    ) -> BoxFuture<'_, Result<Box<dyn Advert>, Error>> {
        Box::pin(async move {
            let named = Advertisement {
                instance: Some(self.name.clone()),
                ..advertisement
            };
            let real = self.directory.inner.registry.advertise(named).await?;
            Ok(Box::new(SeatAdvert {
                directory: self.directory.clone(),
                name: self.name.clone(),
                real,
            }) as Box<dyn Advert>)
        })
    }
}

impl Advert for SeatAdvert {
    fn bind(&self) -> Address {
        Address::InProcess(0)
    }

    fn instance(&self) -> &Instance {
        self.real.instance()
    }

    fn bound(&mut self, address: Address) -> BoxFuture<'_, Result<(), Error>> {
        // The registry is for processes: it takes addresses that others can dial.
        let door = Door::to(&self.name, &address);
        self.real.bound(door.address())
    }

    fn set_health(&mut self, health: Health) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let seen = self.directory.settle(&self.name, Some(health));
            // Side by side: once the entry has changed, the registry lets time pass.
            let (set, ()) = tokio::join!(self.real.set_health(health), seen);
            set
        })
    }

    fn withdraw(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let Self {
            directory,
            name,
            real,
        } = *self;
        Box::pin(async move {
            real.withdraw().await?;
            directory.settle(&name, None).await;
            Ok(())
        })
    }
}

fn name_of(endpoint: &Endpoint) -> String {
    let instance = endpoint.instance.as_ref();
    instance.map_or_else(String::new, |instance| instance.name.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
