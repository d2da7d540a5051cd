//! The connections to one deployment, shared by every channel to it.
//!
//! A pool follows the registry's list and holds a connection to each instance, or as many as
//! [`Balancing`] says. Calls never change it: they read its latest [`Snapshot`], and wait for the
//! next one if there is nothing to call.

mod backoff;
mod connect;
mod counters;
mod driver;
mod lane;
mod members;
mod snapshot;
mod status;
#[cfg(test)]
mod tests;
mod trouble;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

#[cfg(feature = "consul")]
pub(crate) use backoff::Backoff;
#[cfg(feature = "tls")]
pub(crate) use connect::TlsDialer;
#[cfg(feature = "consul")]
pub(crate) use connect::dialled;
#[cfg(feature = "testing")]
pub(crate) use connect::establish;
pub use connect::{Connect, Dialer};
pub use counters::Counters;
use driver::Event;
pub(crate) use lane::Lane;
pub(crate) use snapshot::{Home, Pick, Snapshot};
pub use status::{InstanceState, InstanceStatus};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
};

use crate::{
    client::{
        ClientLimits,
        balance::{Balancing, Choice, Rotation},
        retry::Budget,
    },
    connection,
    contract::ServiceSpec,
    discovery::Resolver,
    error::Error,
    wire::{Config, ContractOffer, KeySource, LocalIdentity},
};

/// The connections to one deployment.
pub(crate) struct Pool {
    pub(crate) shared: Arc<Shared>,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot<Arc<Lane>>>>,
    pub(crate) rotation: Rotation,
    pub(crate) budget: Budget,
    /// Deadline of calls that name none.
    pub(crate) default_deadline: Option<Duration>,
    /// To the driver, if there is one.
    events: Option<mpsc::UnboundedSender<Event>>,
    /// Its drop ends the driver.
    _alive: oneshot::Sender<()>,
}

/// What a pool is made of.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) connect: Arc<dyn Connect>,
    /// Where the driver and the connections live.
    pub(crate) runtime: Handle,
    /// Deadline of calls that name none.
    pub(crate) default_deadline: Option<Duration>,
    pub(crate) limits: Arc<ClientLimits>,
    /// Keys that connections have to prove.
    pub(crate) keys: Option<Arc<dyn KeySource>>,
    pub(crate) balancing: Arc<Balancing>,
    /// Resolves, or is dropped, when the mesh is.
    pub(crate) mesh_gone: watch::Receiver<()>,
}

/// What a pool and its driver have in common.
pub(crate) struct Shared {
    pub(crate) deployment: Arc<str>,
    pub(crate) limits: Arc<ClientLimits>,
    keys: Option<Arc<dyn KeySource>>,
    pub(crate) balancing: Arc<Balancing>,
    pub(crate) counters: Arc<Counters>,
    /// Contracts that channels want; the handshake names them.
    wanted: Mutex<Wanted>,
}

#[derive(Default)]
struct Wanted {
    specs: Vec<&'static ServiceSpec>,
    /// Built when a connection is dialled: fingerprints are costly, and are not wanted by a
    /// channel that is never used.
    config: Option<Arc<Config>>,
}

impl Pool {
    /// A pool whose driver runs on the setting's runtime.
    pub(crate) fn new(deployment: &str, setting: &Setting) -> Pool {
        let shared = Arc::new(Shared::new(deployment, setting));
        let (alive, gone) = oneshot::channel();
        // What a resolver spawns has to live where the pool does.
        let _entered = setting.runtime.enter();
        let (snapshots, events) = match setting.resolver.watch(deployment) {
            Err(error) => (unusable(&error), None),
            Ok(endpoints) => {
                let unknown = Snapshot::unknown(connection::now());
                let (publish, snapshots) = watch::channel(Arc::new(unknown));
                let ways = (Arc::clone(&setting.connect), Arc::clone(&setting.resolver));
                let driver = driver::Driver::new(Arc::clone(&shared), ways, endpoints, publish);
                let events = driver.events();
                let mut mesh_gone = setting.mesh_gone.clone();
                setting.runtime.spawn(driver.run(async move {
                    tokio::select! {
                        _ = gone => {}
                        _ = mesh_gone.changed() => {}
                    }
                }));
                (snapshots, Some(events))
            }
        };
        Pool {
            shared,
            snapshots,
            rotation: Rotation::default(),
            budget: Budget::new(setting.limits.retries, connection::now()),
            default_deadline: setting.default_deadline,
            events,
            _alive: alive,
        }
    }

    /// A pool that calls fail on.
    pub(crate) fn failed(deployment: &str, error: &Error, setting: &Setting) -> Pool {
        Pool {
            shared: Arc::new(Shared::new(deployment, setting)),
            snapshots: unusable(error),
            rotation: Rotation::default(),
            budget: Budget::new(setting.limits.retries, connection::now()),
            default_deadline: setting.default_deadline,
            events: None,
            _alive: oneshot::channel().0,
        }
    }

    /// The instance for the next call that names no session.
    pub(crate) fn next(
        &self,
        snapshot: &Snapshot<Arc<Lane>>,
        usable: impl Fn(&Arc<Lane>) -> bool,
    ) -> Option<Arc<Lane>> {
        if self.shared.balancing.choice == Choice::LeastLoadedOfTwo {
            let load = |lane: &Arc<Lane>| lane.connection.in_flight();
            let found = snapshot.less_loaded(|below| fastrand::usize(..below), &usable, load);
            if found.is_some() {
                return found;
            }
        }
        snapshot.in_turn(&self.rotation, usable)
    }

    /// What is to be done for a session, if anything can be: a later instance in its order is
    /// counted, and one outside of the subset asked for.
    pub(crate) fn at_home(&self, home: Option<Home<Arc<Lane>>>) -> Option<Pick<Arc<Lane>>> {
        match home? {
            Home::Own(lane) => Some(Pick::Chosen(lane)),
            Home::Later(lane) => {
                Counters::count(&self.shared.counters.displaced_calls);
                Some(Pick::Chosen(lane))
            }
            Home::Dialled => Some(Pick::Preferred),
            Home::Outside(name) => {
                if let Some(events) = &self.events {
                    // A driver that is gone connects to nobody.
                    let _ = events.send(Event::Wanted(name));
                }
                Some(Pick::Preferred)
            }
        }
    }

    /// Names `spec` in the handshake of connections dialled from now on.
    pub(crate) fn want(&self, spec: &'static ServiceSpec) {
        let mut wanted = self
            .shared
            .wanted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !wanted.specs.iter().any(|known| known.name == spec.name) {
            wanted.specs.push(spec);
            wanted.config = None;
        }
    }
}

impl Shared {
    fn new(deployment: &str, setting: &Setting) -> Self {
        Self {
            deployment: deployment.into(),
            limits: Arc::clone(&setting.limits),
            keys: setting.keys.clone(),
            balancing: Arc::clone(&setting.balancing),
            counters: Arc::default(),
            wanted: Mutex::default(),
        }
    }

    fn config(&self) -> Arc<Config> {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let Wanted { specs, config } = &mut *wanted;
        let build = || {
            let contracts: Arc<[ContractOffer]> = specs.iter().map(|spec| spec.offer()).collect();
            let identity = LocalIdentity {
                name: client_name(),
                epoch: 0,
            };
            Arc::new(Config {
                identity,
                contracts,
                keys: self.keys.clone(),
                ..self.limits.config()
            })
        };
        Arc::clone(config.get_or_insert_with(build))
    }
}

fn unusable(error: &Error) -> watch::Receiver<Arc<Snapshot<Arc<Lane>>>> {
    watch::channel(Arc::new(Snapshot::ended(&error.to_string()))).1
}

/// What this process calls itself in the logs of servers.
fn client_name() -> String {
    let program = std::env::current_exe().ok();
    let name = program
        .as_deref()
        .and_then(|path| path.file_stem()?.to_str())
        .unwrap_or("client");
    let id = format!("-{}", std::process::id());
    // Names are at most 128 bytes long.
    let mut end = name.len().min(128 - id.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{id}", &name[..end])
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("deployment", &self.shared.deployment)
            .finish_non_exhaustive()
    }
}
