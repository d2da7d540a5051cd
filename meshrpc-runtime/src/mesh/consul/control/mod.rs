//! Services, upstreams and sidecars by hand.
//!
//! [`Mesh::serve`](crate::Mesh::serve) and the clients of a mesh do by themselves what is here. It is
//! for programs that bring what is no server of this crate into the mesh, or that call something
//! else than a contract through it:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use meshrpc::{
//!     Mesh,
//!     mesh::consul::{CheckStatus, Service, SidecarEvent},
//! };
//!
//! let mesh = Mesh::open("consul://127.0.0.1:8500").await?;
//! let consul = mesh.consul().ok_or("not a mesh of Consul")?;
//!
//! consul.on_sidecar(|event| {
//!     if let SidecarEvent::Died { service_id, end, .. } = event {
//!         eprintln!("the sidecar of {service_id} died: {end}");
//!     }
//! });
//!
//! // Something that listens on this machine already becomes a service.
//! consul.start(Service::new("ledger", "127.0.0.1:9000".parse()?)).await?;
//! consul.set_status("ledger", CheckStatus::Warning, Some("the disk is nearly full")).await?;
//!
//! // Something that others serve becomes a port on this machine.
//! for upstream in consul.connect(["billing"]).await? {
//!     println!("{} is at {}", upstream.service, upstream.address);
//! }
//!
//! consul.disconnect(["billing"]).await;
//! consul.stop("ledger").await?;
//! # Ok(())
//! # }
//! ```
//!
//! What was started and connected here belongs to the mesh, and is undone when that is dropped.

mod service;
mod sidecars;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync;

use super::{
    Consul, ConsulError, SidecarInfo,
    agent::CheckStatus,
    registration::{Application, Entry, Running},
    upstream::{Lease, Upstreams},
};
use crate::{
    discovery::{Address, Instance},
    mesh::name,
};

pub use service::{Service, Started};
pub use sidecars::SidecarHandle;

/// How long a port may take until it accepts.
const ACCEPTS: Duration = Duration::from_secs(20);

/// What was started and connected by hand.
#[derive(Debug, Default)]
pub(crate) struct ByHand {
    services: Mutex<HashMap<String, Arc<sync::Mutex<Option<OfService>>>>>,
    upstreams: Mutex<HashMap<String, Lease>>,
}

/// A service that was started.
#[derive(Debug)]
struct OfService {
    service: Service,
    running: Running,
}

/// A service that this process has registered, by whatever way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceInfo {
    /// The service.
    pub service: String,
    /// The id of this registration.
    pub id: String,
    /// The instance's stable name and epoch.
    pub instance: Instance,
    /// Where the application listens: none for the registration that carries upstreams. Its IP
    /// address is the one that is registered.
    pub application: Option<String>,
    /// What its TTL checks are told.
    pub status: CheckStatus,
    /// Where its sidecar listens, as seen from this machine; none where there are no sidecars.
    pub listener: Option<SocketAddr>,
    /// Its sidecar, unless there is none.
    pub sidecar: Option<SidecarInfo>,
}

/// A port on this machine that leads to a service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct UpstreamInfo {
    /// The service.
    pub service: String,
    /// Where it is dialled.
    pub address: SocketAddr,
}

impl Consul {
    /// Registers a service, starts its sidecar and keeps both, until [`stop`](Self::stop) or until
    /// the last of this mesh is dropped. Returns when calls would pass. One that is started already
    /// in the same way is left as it is.
    ///
    /// Whoever does not want to wait for as long as it takes, at most 30 s, drops the future: what
    /// it has put up by then is taken down.
    ///
    /// # Errors
    /// [`ConsulError::InvalidState`] if it was started in another way; else as [`ConsulError`] says,
    /// and nothing of it stays.
    pub async fn start(&self, service: Service) -> Result<Started, ConsulError> {
        name::check("the service", &service.name)
            .map_err(|error| ConsulError::Invalid(error.to_string()))?;
        let place = self.place(&service.name);
        let mut known = place.lock().await;
        if let Some(known) = &*known {
            return match known.service == service {
                true => Ok(Started::Already),
                false => Err(ConsulError::InvalidState {
                    service: service.name,
                    reason: "it is started with another address, name or template: stop it first"
                        .to_owned(),
                }),
            };
        }
        if let Some(upstreams) = &self.shared.upstreams {
            upstreams.give_way(&service.name).await;
        }
        let running = service.run(&self.shared.setting).await?;
        *known = Some(OfService { service, running });
        Ok(Started::New)
    }

    /// Takes a service that was [`start`](Self::start)ed out of the lists, lets clients see that for
    /// 2 s, removes it, and ends its sidecar, which cuts the connections that are left. Its name is
    /// free then, also if the agent could not be told.
    ///
    /// # Errors
    /// [`ConsulError::NotOwned`] if it was not started here; [`ConsulError::Agent`] if the agent
    /// could not be told, which removes it a minute after its checks have turned critical.
    pub async fn stop(&self, service: &str) -> Result<(), ConsulError> {
        let place = self.place(service);
        let Some(mut known) = place.lock().await.take() else {
            return Err(ConsulError::NotOwned {
                service: service.to_owned(),
            });
        };
        let drained = known.running.drain().await;
        let withdrawn = known.running.withdraw().await;
        known.running.end().await;
        drained.and(withdrawn).map_err(ConsulError::from)
    }

    /// Makes services reachable at ports of this machine, through the sidecar of this process, until
    /// [`disconnect`](Self::disconnect). Returns when the ports accept, in the order of `services`.
    /// Those that are connected already keep their ports.
    ///
    /// # Errors
    /// [`ConsulError::InvalidState`] if the mesh has no such sidecar, being `via=instance` or
    /// `via=plain`; [`ConsulError::NotAlive`] if a port does not come; else as [`ConsulError`] says.
    /// What was not connected before is not then.
    pub async fn connect(
        &self,
        services: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<UpstreamInfo>, ConsulError> {
        let mut new = Vec::new();
        let mut connected = Vec::new();
        for service in services {
            let service = service.into();
            name::check("the service", &service)
                .map_err(|error| ConsulError::Invalid(error.to_string()))?;
            let lease = self.carrying(&service)?.lease(&service).await?;
            let mut address = lease.follow();
            let accepts = address.wait_for(Option::is_some);
            let Ok(Ok(accepts)) = tokio::time::timeout(ACCEPTS, accepts).await else {
                return Err(ConsulError::NotAlive {
                    service,
                    waited: ACCEPTS,
                    reason: "no port of the sidecar leads to it".to_owned(),
                });
            };
            if let Some(address) = *accepts {
                let service = service.clone();
                connected.push(UpstreamInfo { service, address });
            }
            drop(accepts);
            new.push((service, lease));
        }
        let mut upstreams = self.connected();
        for (service, lease) in new {
            upstreams.entry(service).or_insert(lease);
        }
        Ok(connected)
    }

    /// Gives up what was [`connect`](Self::connect)ed. Others of this process that use the same
    /// upstream keep it. What was not connected is no error.
    pub async fn disconnect(&self, services: impl IntoIterator<Item = impl AsRef<str>>) {
        for service in services {
            let lease = self.connected().remove(service.as_ref());
            if let Some(lease) = lease {
                lease.close().await;
            }
        }
    }

    /// Everything that this process has registered in this mesh: served, started, and what carries
    /// its upstreams.
    pub fn list(&self) -> Vec<ServiceInfo> {
        let entries = self.shared.setting.registered.all();
        entries.iter().map(ServiceInfo::of).collect()
    }

    /// One registration of this process, by the name of the service or by id; the first, if it has
    /// several of that name.
    ///
    /// # Errors
    /// [`ConsulError::NotOwned`] if there is none.
    pub fn info(&self, service: &str) -> Result<ServiceInfo, ConsulError> {
        Ok(ServiceInfo::of(&self.entry(service)?))
    }

    /// The upstreams of this process whose ports accept, whoever uses them.
    pub fn upstreams(&self) -> Vec<UpstreamInfo> {
        let upstreams = self.shared.upstreams.as_ref();
        let list = upstreams.map(|upstreams| upstreams.list());
        list.unwrap_or_default()
            .into_iter()
            .filter_map(|(service, address)| {
                let address = address?;
                Some(UpstreamInfo { service, address })
            })
            .collect()
    }

    /// Sets what the checks of a service say from now on, by its name or id. With
    /// [`CheckStatus::Warning`] clients do not call it either; [`CheckStatus::Critical`] for a minute
    /// removes it from the agent, which is then told again.
    ///
    /// # Errors
    /// [`ConsulError::NotOwned`] if this process has not registered it; [`ConsulError::Agent`] if
    /// the agent cannot be told now: it will be.
    pub async fn set_status(
        &self,
        service: &str,
        status: CheckStatus,
        note: Option<&str>,
    ) -> Result<(), ConsulError> {
        let kept = self.entry(service)?.kept;
        kept.set_status(status, note).await?;
        Ok(())
    }

    fn entry(&self, service: &str) -> Result<Entry, ConsulError> {
        let entries = self.shared.setting.registered.of(service);
        entries
            .into_iter()
            .next()
            .ok_or_else(|| ConsulError::NotOwned {
                service: service.to_owned(),
            })
    }

    fn carrying(&self, service: &str) -> Result<&Arc<Upstreams>, ConsulError> {
        let upstreams = self.shared.upstreams.as_ref();
        upstreams.ok_or_else(|| ConsulError::InvalidState {
            service: service.to_owned(),
            reason: "calls of this mesh do not travel through a sidecar of this process".to_owned(),
        })
    }

    fn place(&self, service: &str) -> Arc<sync::Mutex<Option<OfService>>> {
        let services = &self.shared.by_hand.services;
        let mut services = services.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(services.entry(service.to_owned()).or_default())
    }

    fn connected(&self) -> std::sync::MutexGuard<'_, HashMap<String, Lease>> {
        let upstreams = &self.shared.by_hand.upstreams;
        upstreams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServiceInfo {
    fn of(entry: &Entry) -> Self {
        let kept = &entry.kept;
        let listener = kept.listener();
        ServiceInfo {
            service: kept.draft.service.clone(),
            id: kept.id().to_owned(),
            instance: kept.draft.instance.clone(),
            application: match &kept.draft.application {
                Application::Tcp { port, .. } => {
                    let ip = kept.address().unwrap_or_default();
                    Some(format!("{ip}:{port}"))
                }
                Application::Unix(path) => Some(Address::Unix(path.clone()).to_string()),
                Application::Client { .. } => None,
            },
            status: kept.status(),
            listener,
            sidecar: match entry.sidecar() {
                Some(sidecar) => Some(sidecar.info()),
                None => listener.map(|_| SidecarInfo::external()),
            },
        }
    }
}
