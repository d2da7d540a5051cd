//! One registration, as the agent has it or is to have it.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::{self, watch};

use super::{
    Reservation, Setting, Template,
    setting::nearby,
    template::{Document, Values},
};
use crate::{
    discovery::{BoxFuture, Instance},
    mesh::{
        consul::{
            agent::{AgentError, CheckStatus},
            error::ConsulError,
            sidecar::{Launch, Plan, Probe, Proxy, Subject},
        },
        host,
    },
};

/// What is to be registered.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) service: String,
    pub(crate) id: String,
    pub(crate) instance: Instance,
    pub(crate) application: Application,
    pub(crate) template: Template,
}

/// Where the application is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Application {
    /// It listens for the sidecar, or for callers where there are no sidecars; the address is that
    /// of this machine unless it is the listener's own.
    Tcp { address: Option<String>, port: u16 },
    /// It listens for the sidecar.
    Unix(PathBuf),
    /// It only calls others; at this port is somebody who says nothing.
    Client { port: u16 },
}

/// A registration.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) setting: Arc<Setting>,
    pub(crate) draft: Draft,
    /// Where others reach it.
    address: Option<String>,
    state: Mutex<State>,
    /// Held while the agent is told.
    phase: sync::Mutex<Phase>,
    /// How often the agent was told.
    pub(super) told: watch::Sender<u64>,
    /// What the checks of the service say.
    pub(super) status: watch::Sender<(CheckStatus, Arc<str>)>,
    /// How the sidecar is asked whether it answers.
    pub(super) probe: watch::Sender<Option<Probe>>,
    /// How often the sidecar was about to cut its connections.
    pub(super) cuts: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// Of the sidecar.
    port: Option<Reservation>,
    upstreams: Vec<Value>,
    /// There is a service with the name of this client.
    takes_no_calls: bool,
    ttl: Vec<String>,
    sidecar_ttl: Vec<String>,
    /// Tells the token that the agent was last told with from others.
    token: Option<u64>,
    /// The same of the sidecar's last start.
    sidecar_token: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The agent knows it, or is told soon.
    Wanted,
    /// The agent knows it and may forget it.
    Draining,
    /// The agent is not to know it.
    Gone,
}

/// What the service's checks say while it serves. It never changes: whoever follows the service is
/// woken by a changed text.
const SERVING: &str = "serving";

impl Kept {
    /// A registration that the agent is not told of yet, with a port for its sidecar if it has one.
    ///
    /// # Errors
    /// If there is no port, the template cannot be filled in, or the agent cannot be asked.
    pub(crate) async fn new(setting: Arc<Setting>, draft: Draft) -> Result<Kept, ConsulError> {
        let facts = setting.facts().await?;
        let address = setting.address(facts);
        let kept = Kept {
            address,
            draft,
            state: Mutex::default(),
            phase: sync::Mutex::new(Phase::Wanted),
            told: watch::Sender::new(0),
            status: watch::Sender::new((CheckStatus::Passing, SERVING.into())),
            probe: watch::Sender::new(None),
            cuts: watch::Sender::new(0),
            setting,
        };
        if kept.setting.proxy.is_some() {
            kept.take_port(None)?;
        }
        kept.document()?;
        Ok(kept)
    }

    pub(crate) fn id(&self) -> &str {
        &self.draft.id
    }

    /// The id that the agent gives to the sidecar.
    pub(crate) fn sidecar_id(&self) -> String {
        format!("{}-sidecar-proxy", self.draft.id)
    }

    /// How long Envoy leaves connections after it has replaced their listener.
    pub(super) fn drain_time(&self) -> Duration {
        match &self.setting.proxy {
            Some(Proxy::Envoy(envoy)) => Duration::from_secs(envoy.drain_seconds.into()),
            _ => Duration::ZERO,
        }
    }

    /// Whether the token is another than the one that the sidecar was started with: it reads none
    /// later.
    pub(super) fn has_new_token(&self) -> bool {
        let now = mark(self.setting.agent.token().as_deref());
        let started = self.state().sidecar_token;
        started.is_some_and(|started| started != now)
    }

    /// Where the sidecar listens, seen from this machine.
    pub(crate) fn listener(&self) -> Option<SocketAddr> {
        let port = self.state().port.as_ref()?.port();
        Some(SocketAddr::new(nearby(self.address.as_deref()), port))
    }

    /// Tells the agent. If it fails the first time, nothing of it stays.
    pub(crate) async fn register(&self) -> Result<(), ConsulError> {
        let phase = self.phase.lock().await;
        self.put(*phase).await
    }

    /// Tells the agent again, unless that was done since `seen`.
    pub(super) async fn register_again(&self, seen: u64) -> Result<(), ConsulError> {
        let phase = self.phase.lock().await;
        if *phase != Phase::Wanted || *self.told.borrow() != seen {
            return Ok(());
        }
        tracing::warn!(
            service = self.draft.service,
            id = self.id(),
            "the agent has forgotten this registration: registering again"
        );
        self.put(*phase).await
    }

    /// Tells the agent again if there is another token: it tells its servers, and configures Envoy,
    /// with the one that a registration came with.
    pub(super) async fn register_with_new_token(&self) -> Result<(), ConsulError> {
        let phase = self.phase.lock().await;
        let now = mark(self.setting.agent.token().as_deref());
        if *phase != Phase::Wanted || self.state().token == Some(now) {
            return Ok(());
        }
        tracing::info!(
            id = self.id(),
            "there is another token: registering with it"
        );
        self.put(*phase).await
    }

    /// What a client is to be registered with the first time.
    pub(crate) fn prepare(&self, upstreams: Vec<Value>, takes_no_calls: bool) {
        let mut state = self.state();
        state.upstreams = upstreams;
        state.takes_no_calls = takes_no_calls;
    }

    /// From now on, callers of a service of the same name are not sent to this client.
    pub(crate) async fn take_no_calls(&self) -> Result<(), ConsulError> {
        let phase = self.phase.lock().await;
        if std::mem::replace(&mut self.state().takes_no_calls, true) {
            return Ok(());
        }
        self.put(*phase).await
    }

    /// Makes `upstreams` those of the sidecar, whatever they were.
    pub(crate) async fn set_upstreams(&self, upstreams: Vec<Value>) -> Result<(), ConsulError> {
        // One after the other: the agent knows no other order than that of arrival.
        let phase = self.phase.lock().await;
        self.state().upstreams = upstreams;
        self.put(*phase).await
    }

    async fn put(&self, phase: Phase) -> Result<(), ConsulError> {
        if phase == Phase::Gone {
            return Err(ConsulError::InvalidState {
                service: self.draft.service.clone(),
                reason: "it is being removed".to_owned(),
            });
        }
        let document = self.document()?;
        let token = mark(self.setting.agent.token().as_deref());
        if let Err(error) = self.setting.agent.register(&document.value).await {
            if *self.told.borrow() == 0 {
                // 1.22 may have registered the service without its sidecar.
                let _ = self.setting.agent.deregister(self.id()).await;
            }
            return Err(error.into());
        }
        self.state().token = Some(token);
        self.told.send_modify(|told| *told += 1);
        Ok(())
    }

    /// No new calls: out of the lists, and still there. Without an alias check the sidecar has to
    /// be told as well, and first, since it is what is called.
    pub(super) async fn maintain(&self) -> Result<(), AgentError> {
        *self.phase.lock().await = Phase::Draining;
        let agent = &self.setting.agent;
        if self.setting.proxy.is_some() {
            agent.maintenance(&self.sidecar_id(), true, "drain").await?;
        }
        agent.maintenance(self.id(), true, "drain").await
    }

    /// The agent forgets it, and is not told again.
    pub(super) async fn deregister(&self) -> Result<(), AgentError> {
        let mut phase = self.phase.lock().await;
        *phase = Phase::Gone;
        self.setting.agent.deregister(self.id()).await
    }

    pub(super) fn ttl(&self) -> Vec<String> {
        self.state().ttl.clone()
    }

    pub(super) fn sidecar_ttl(&self) -> Vec<String> {
        self.state().sidecar_ttl.clone()
    }

    /// What the checks of the service say from now on; the agent is told at once.
    pub(crate) async fn set_status(
        &self,
        status: CheckStatus,
        note: Option<&str>,
    ) -> Result<(), AgentError> {
        let note = note.unwrap_or(match status {
            CheckStatus::Passing => SERVING,
            CheckStatus::Warning => "warning",
            CheckStatus::Critical => "critical",
        });
        self.status.send_replace((status, note.into()));
        for check in self.ttl() {
            self.setting
                .agent
                .update_check(&check, status, note)
                .await?;
        }
        Ok(())
    }

    /// What the checks of the service say.
    pub(crate) fn status(&self) -> CheckStatus {
        self.status.borrow().0
    }

    /// Where others reach it, unless it is where its agent is.
    pub(crate) fn address(&self) -> Option<&str> {
        match &self.draft.application {
            Application::Tcp {
                address: Some(own), ..
            } => Some(own),
            _ => self.address.as_deref(),
        }
    }

    /// Takes a port that nobody listens on, and tells the agent if it was told of another.
    async fn secure_port(&self) -> Result<(), ConsulError> {
        let lost = {
            let state = self.state();
            let taken = state.port.as_ref().filter(|port| port.is_taken());
            taken.map(Reservation::port)
        };
        let Some(lost) = lost else { return Ok(()) };
        self.take_port(Some(lost))?;
        tracing::warn!(
            id = self.id(),
            port = lost,
            "the sidecar's port was taken by another process: registering with another port"
        );
        self.register().await
    }

    fn take_port(&self, not: Option<u16>) -> Result<(), ConsulError> {
        let ip = nearby(self.address.as_deref());
        let port = self.setting.ports.reserve(ip, not);
        let port = port.map_err(|error| ConsulError::NoPort {
            service: self.draft.service.clone(),
            reason: error.to_string(),
        })?;
        self.state().port = Some(port);
        Ok(())
    }

    fn document(&self) -> Result<Document, ConsulError> {
        let Draft {
            service,
            id,
            instance,
            application,
            template,
        } = &self.draft;
        let (port, socket, own) = match application {
            Application::Tcp { address, port } => (Some(*port), None, address.clone()),
            Application::Unix(path) => (None, path.to_str().map(str::to_owned), None),
            Application::Client { port } => (Some(*port), None, None),
        };
        let mut state = self.state();
        let values = Values {
            id: id.clone(),
            service: service.clone(),
            instance: instance.name.to_string(),
            epoch: instance.epoch,
            address: own.or_else(|| self.address.clone()),
            port,
            socket,
            sidecar_port: state.port.as_ref().map(Reservation::port),
            sidecar_host: nearby(self.address.as_deref()).to_string(),
            host: host::name(),
            pid: std::process::id(),
        };
        let mut document = template.render(&values).map_err(ConsulError::Invalid)?;
        if let Application::Client { .. } = application {
            document.set_upstreams(state.upstreams.clone());
            if state.takes_no_calls {
                document.take_no_calls(id);
            }
        }
        state.ttl.clone_from(&document.ttl);
        state.sidecar_ttl.clone_from(&document.sidecar_ttl);
        Ok(document)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number by which a token is compared, and not known.
fn mark(token: Option<&str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    token.hash(&mut hasher);
    hasher.finish()
}

/// The sidecar of a registration.
#[derive(Debug)]
pub(super) struct Beside(pub(super) Arc<Kept>);

impl Plan for Beside {
    fn launch(&mut self) -> BoxFuture<'_, Result<(Launch, BoxFuture<'static, ()>), String>> {
        Box::pin(async {
            let kept = &self.0;
            kept.secure_port()
                .await
                .map_err(|error| error.to_string())?;
            let setting = &kept.setting;
            let facts = setting.facts().await.map_err(|error| error.to_string())?;
            let (Some(proxy), Some(listener)) = (&setting.proxy, kept.listener()) else {
                return Err("there are no sidecars in this mesh".to_owned());
            };
            let subject = Subject {
                id: kept.id().to_owned(),
                sidecar_id: kept.sidecar_id(),
                listener,
            };
            let access = setting.access(facts);
            kept.state().sidecar_token = Some(mark(access.token.as_deref()));
            let Some((launch, admin)) = proxy.launch(&subject, &access)? else {
                return Err("somebody else runs the sidecars of this mesh".to_owned());
            };
            let probe = Probe { listener, admin };
            kept.probe.send_replace(Some(probe.clone()));
            let answered = async move { probe.answered().await };
            Ok((launch, Box::pin(answered) as BoxFuture<'static, ()>))
        })
    }
}
