//! Upstreams: ports on this machine behind which a sidecar of this process leads to other services.
//!
//! A process has one registration and one sidecar for all its upstreams, since a registration is
//! written as a whole: several writers would lose each other's. It is a registration of its own also
//! where the process serves as well. Who calls is then the same whatever is served, and in which
//! order: the name that `as=` in the mesh URL gives, or the program's; intentions speak of it. And
//! the calls that a server makes while it finishes the last of its own do not depend on its own
//! sidecar.
//!
//! An upstream is opened by its first user and given up a moment after its last. Its port is kept
//! for the sidecar before that is told, and may be dialled once it accepts. The registration comes
//! with the first upstream and goes with the last.
//!
//! A caller takes no calls. Where its name is also that of a service, which is asked for from time to
//! time, a check says so: proxies would otherwise send that service's callers here.

mod nobody;
mod open;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{self, watch},
    task::JoinSet,
};

use super::{
    Upstream,
    agent::Lookup,
    error::ConsulError,
    registration::{Application, Draft, Kept, Running, Setting, id},
};
use crate::{blocking, discovery::Instance, error::Error};

pub(crate) use open::Lease;

/// How long an upstream outlives its last user, and the registration its last upstream.
const LINGER: Duration = Duration::from_secs(5);
/// Time between two looks whether the name of this process is also that of a service.
const LOOK: Duration = Duration::from_secs(10);
/// Connections that Envoy carries to one upstream; 1,024 unless it is told.
const CONNECTIONS: u32 = 65_536;

/// The upstreams of this process in one mesh.
#[derive(Debug)]
pub(crate) struct Upstreams {
    setting: Arc<Setting>,
    /// The service that this process is to others.
    identity: String,
    /// The registration that carries them. Held while the agent is told, so that one change follows
    /// the other.
    carrier: sync::Mutex<Option<Running>>,
    /// There is no registration any more, and will be none. Set while the carrier is held.
    ended: AtomicBool,
    open: Mutex<BTreeMap<String, open::Open>>,
}

impl Upstreams {
    pub(crate) fn new(setting: Arc<Setting>, identity: &str) -> Arc<Self> {
        Arc::new(Self {
            setting,
            identity: identity.to_owned(),
            carrier: sync::Mutex::default(),
            ended: AtomicBool::new(false),
            open: Mutex::default(),
        })
    }

    /// The upstream to `service`, which is added to the sidecar unless it is there. It is kept as
    /// long as what this gives.
    ///
    /// # Errors
    /// As [`ConsulError`] says; nothing has changed then.
    pub(crate) async fn lease(self: &Arc<Self>, service: &str) -> Result<Lease, ConsulError> {
        let mut carrier = self.carrier.lock().await;
        if let Some(upstream) = self.open_again(service) {
            return Ok(upstream);
        }
        let upstream = self.add(service)?;
        match self.tell(&mut carrier).await {
            Ok(()) => {
                let runtime = self.runtime()?;
                let sidecar = carrier.as_ref().and_then(Running::sidecar);
                let info = sidecar.map(|sidecar| sidecar.follow());
                let follow = open::follow(Arc::downgrade(self), service.to_owned(), info);
                self.with(service, |open| {
                    open.follow = Some(runtime.spawn(follow).abort_handle());
                });
                Ok(upstream)
            }
            Err(error) => {
                upstream.forget();
                self.lock().remove(service);
                Err(error)
            }
        }
    }

    /// The way to `service`, as long as somebody holds a receiver of it. What goes wrong is told, and
    /// tried again.
    pub(crate) fn open(self: &Arc<Self>, service: &str) -> watch::Receiver<Upstream> {
        let (sender, receiver) = watch::channel(Upstream::Closed(None));
        match blocking::io() {
            Ok(runtime) => {
                let opening = open::keep(Arc::downgrade(self), service.to_owned(), sender);
                runtime.spawn(opening);
            }
            Err(error) => {
                sender.send_replace(Upstream::Closed(Some(Arc::new(error))));
            }
        }
        receiver
    }

    /// Every upstream, with its port once that accepts.
    pub(crate) fn list(&self) -> Vec<(String, Option<SocketAddr>)> {
        let open = self.lock();
        open.iter()
            .map(|(service, open)| (service.clone(), *open.address.borrow()))
            .collect()
    }

    /// Before this process serves `service`: if that is the name it calls others by, the registration
    /// for that must not be taken for one that serves.
    pub(crate) async fn give_way(&self, service: &str) {
        if service != self.identity {
            return;
        }
        let carrier = self.carrier.lock().await;
        if let Some(running) = &*carrier {
            silence(running.kept()).await;
        }
    }

    /// Gives up those that nobody uses, now.
    pub(crate) async fn sweep(self: &Arc<Self>) {
        let mut carrier = self.carrier.lock().await;
        let unused = {
            let mut open = self.lock();
            let before = open.len();
            open.retain(|_, open| open.users > 0);
            before != open.len()
        };
        if !unused {
            return;
        }
        if self.lock().is_empty() {
            take_down(&mut carrier).await;
        } else if let Err(error) = self.tell(&mut carrier).await {
            tracing::warn!(%error, "an upstream that is not used any more was not removed");
        }
    }

    /// Gives up all of them, for good.
    pub(crate) async fn end(&self) {
        let mut carrier = self.carrier.lock().await;
        self.ended.store(true, Ordering::Relaxed);
        take_down(&mut carrier).await;
    }

    /// Brings the sidecar to what is open.
    async fn tell(self: &Arc<Self>, carrier: &mut Option<Running>) -> Result<(), ConsulError> {
        if self.ended.load(Ordering::Relaxed) {
            return Err(ConsulError::InvalidState {
                service: self.identity.clone(),
                reason: "its mesh has ended".to_owned(),
            });
        }
        let datacenter = self.setting.datacenter.as_deref();
        let described = |open| open::described(open, datacenter);
        let upstreams = self.lock().iter().map(described).collect();
        if let Some(running) = carrier {
            return running.kept().set_upstreams(upstreams).await;
        }
        let (port, listener) = nobody::listen().map_err(|error| ConsulError::NoPort {
            service: self.identity.clone(),
            reason: error.to_string(),
        })?;
        let id = id(&self.identity);
        let draft = Draft {
            service: self.identity.clone(),
            instance: Instance {
                name: id.as_str().into(),
                epoch: super::super::boot_epoch(),
            },
            id,
            application: Application::Client { port },
            template: self.setting.client.clone(),
        };
        let kept = Kept::new(Arc::clone(&self.setting), draft).await?;
        kept.prepare(upstreams, self.is_served().await?);
        // Its life is that of this value, and not that of a runtime of the program's.
        let runtime = self.runtime()?;
        let mut answering = JoinSet::new();
        answering.spawn_on(nobody::answer(listener), &runtime);
        let upstreams = Arc::downgrade(self);
        let mut running = Running::up(kept, None, false, &runtime).await?;
        running.attend(async move {
            let _answering = answering;
            look(upstreams).await;
        });
        *carrier = Some(running);
        Ok(())
    }

    /// Whether anybody serves under the name that this process calls others by.
    async fn is_served(&self) -> Result<bool, ConsulError> {
        let lookup = Lookup {
            service: self.identity.clone(),
            connect: false,
            passing: false,
        };
        let answer = self.setting.agent.instances(&lookup, 0, LOOK).await?;
        let serves = |meta: &BTreeMap<String, String>| !meta.contains_key("meshrpc-client");
        Ok(answer.value.iter().any(|entry| serves(&entry.service.meta)))
    }

    fn runtime(&self) -> Result<tokio::runtime::Handle, ConsulError> {
        blocking::io().map_err(|error: Error| ConsulError::Invalid(error.to_string()))
    }
}

async fn take_down(carrier: &mut Option<Running>) {
    let Some(mut running) = carrier.take() else {
        return;
    };
    if let Err(error) = running.withdraw().await {
        tracing::warn!(%error, "the upstreams' registration was not removed");
    }
    running.end().await;
}

/// Looks from time to time whether the name of this process has become that of a service.
async fn look(upstreams: Weak<Upstreams>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(upstreams) = upstreams.upgrade() else {
            return;
        };
        if let Ok(true) = upstreams.is_served().await {
            upstreams.give_way(&upstreams.identity).await;
        }
    }
}

async fn silence(kept: &Kept) {
    if let Err(error) = kept.take_no_calls().await {
        tracing::warn!(%error, "callers of a service with the name of this process may come here");
    }
}
