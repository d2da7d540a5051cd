//! The life of a registration, from nothing to up to gone.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::watch,
    task::AbortHandle,
    time::{Instant, timeout, timeout_at},
};

use super::{Kept, Slot, beat, kept::Beside};
use crate::{
    blocking,
    mesh::consul::{
        agent::{AgentError, CheckStatus, Lookup},
        error::ConsulError,
        sidecar::{Probe, Proxy, Sidecar, SidecarInfo, SidecarState},
    },
};

/// How long a registration may take from the first word to the agent until calls pass.
pub(crate) const UP: Duration = Duration::from_secs(30);
/// Runs of a sidecar that may end by themselves before it is given up as one that cannot run.
const FUTILE: u64 = 4;
/// After this time in no list, the agent is made to tell its servers once more.
const LISTED: Duration = Duration::from_secs(3);
/// How long clients may take to see that an instance is not to be called any more: the slowest
/// proxies take 1.2 s.
const SPREAD: Duration = Duration::from_secs(2);
/// How long a registration that is simply dropped waits for the agent.
const FAREWELL: Duration = Duration::from_secs(1);

/// A registration that is kept. Dropping it removes it, as far as can be done in a moment.
#[derive(Debug)]
pub(crate) struct Running {
    kept: Arc<Kept>,
    sidecar: Option<Arc<Sidecar>>,
    /// End with the registration.
    attendants: Vec<AbortHandle>,
    runtime: Handle,
    begun: Instant,
    /// The agent may know of it.
    is_registered: bool,
    _slot: Option<Slot>,
}

impl Running {
    /// Registers, starts the sidecar, keeps both, and returns when calls would pass: `listed` says
    /// whether that means to be in the lists of clients. What it has put up when something fails is
    /// taken down.
    ///
    /// # Errors
    /// As [`ConsulError`] says.
    pub(crate) async fn up(
        kept: Kept,
        slot: Option<Slot>,
        listed: bool,
        runtime: &Handle,
    ) -> Result<Running, ConsulError> {
        let mut running = Running {
            kept: Arc::new(kept),
            sidecar: None,
            attendants: Vec::new(),
            runtime: runtime.clone(),
            begun: Instant::now(),
            is_registered: true,
            _slot: slot,
        };
        match running.rise(listed).await {
            Ok(()) => Ok(running),
            Err(error) => {
                // Why it failed is worth more than why it could not be removed.
                let _ = running.withdraw().await;
                running.end().await;
                Err(error)
            }
        }
    }

    async fn rise(&mut self, listed: bool) -> Result<(), ConsulError> {
        let end = self.begun + UP;
        self.kept.setting.registered.insert(&self.kept, None);
        self.kept.register().await?;
        let service = beat::of_service(Arc::clone(&self.kept));
        self.attend(service);
        if let Some(proxy) = &self.kept.setting.proxy {
            self.start_sidecar(proxy == &Proxy::External, end).await?;
        }
        if listed {
            let in_time = timeout_at(end, self.listed()).await;
            in_time.unwrap_or_else(|_| {
                Err(self.not_alive("no list of instances that can be called has it".to_owned()))
            })?;
        }
        Ok(())
    }

    async fn start_sidecar(&mut self, is_external: bool, end: Instant) -> Result<(), ConsulError> {
        let kept = &self.kept;
        if is_external {
            let Some(listener) = kept.listener() else {
                return Ok(());
            };
            let probe = Probe {
                listener,
                admin: None,
            };
            kept.probe.send_replace(Some(probe.clone()));
            if timeout_at(end, probe.answered()).await.is_err() {
                let reason = format!("nobody runs a sidecar that answers at {listener}");
                return Err(self.not_alive(reason));
            }
        } else {
            let plan = Beside(Arc::clone(kept));
            let hooks = kept.setting.hooks.clone();
            let sidecar = Sidecar::start(kept.id().into(), plan, hooks, &self.runtime);
            let sidecar = Arc::new(sidecar);
            kept.setting.registered.insert(kept, Some(&sidecar));
            self.sidecar = Some(sidecar);
        }
        let (passing, mut is_passing) = watch::channel(false);
        let beats = beat::of_sidecar(Arc::clone(&self.kept), self.sidecar.clone(), passing);
        self.attend(beats);
        let passes = async {
            let passes = is_passing.wait_for(|passing| *passing);
            match &self.sidecar {
                Some(sidecar) => tokio::select! {
                    _ = passes => {}
                    _ = sidecar.until(is_futile) => {}
                },
                None => {
                    let _ = passes.await;
                }
            }
        };
        let _ = timeout_at(end, passes).await;
        if *is_passing.borrow() {
            return Ok(());
        }
        let info = self.sidecar.as_ref().map(|sidecar| sidecar.info());
        Err(self.not_alive(match info.and_then(|info| info.last_end) {
            Some(last_end) => format!("its sidecar does not come up: {last_end}"),
            None => "the agent does not take the check of its sidecar".to_owned(),
        }))
    }

    /// Resolves when clients that follow the lists would find it.
    async fn listed(&self) -> Result<(), ConsulError> {
        let kept = &self.kept;
        let agent = &kept.setting.agent;
        let connect = kept.setting.proxy.is_some();
        let lookup = Lookup {
            service: kept.draft.service.clone(),
            connect,
            passing: true,
        };
        let own = match connect {
            true => kept.sidecar_id(),
            false => kept.id().to_owned(),
        };
        let mut index = 0;
        let mut patience = Instant::now() + LISTED;
        loop {
            match agent
                .instances(&lookup, index, Duration::from_millis(500))
                .await
            {
                Ok(answer) => {
                    if answer.value.iter().any(|entry| entry.service.id == own) {
                        return Ok(());
                    }
                    // Some agents take an index that will not come again.
                    index = if answer.index >= index {
                        answer.index
                    } else {
                        0
                    };
                }
                Err(error) if error.is_transient() => {
                    index = 0;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(error.into()),
            }
            if Instant::now() >= patience {
                patience = Instant::now() + LISTED;
                self.say_again().await?;
            }
        }
    }

    /// 1.22 may keep a status from its servers that changed right after the registration, until it
    /// compares everything with them, which may take more than a minute. Two more changes make it
    /// tell them.
    async fn say_again(&self) -> Result<(), AgentError> {
        let kept = &self.kept;
        tracing::warn!(
            id = kept.id(),
            "registered and passing, and listed nowhere: the agent is told again"
        );
        let mut checks = kept.ttl();
        checks.extend(kept.sidecar_ttl());
        for status in [CheckStatus::Warning, CheckStatus::Passing] {
            for check in &checks {
                let note = "registered again";
                kept.setting.agent.update_check(check, status, note).await?;
            }
        }
        Ok(())
    }

    fn not_alive(&self, reason: String) -> ConsulError {
        ConsulError::NotAlive {
            service: self.kept.draft.service.clone(),
            waited: self.begun.elapsed(),
            reason,
        }
    }

    /// Runs something that ends with the registration.
    pub(crate) fn attend(&mut self, attendant: impl Future<Output = ()> + Send + 'static) {
        let attendant = self.runtime.spawn(attendant).abort_handle();
        self.attendants.push(attendant);
    }

    pub(crate) fn kept(&self) -> &Arc<Kept> {
        &self.kept
    }

    /// Its sidecar, unless there is none or somebody else runs it.
    pub(crate) fn sidecar(&self) -> Option<&Arc<Sidecar>> {
        self.sidecar.as_ref()
    }

    /// Takes it out of the lists, and resolves when every client should have seen that.
    ///
    /// # Errors
    /// As the agent says. Clients of an agent that is away do not see it; they are told on their
    /// connections.
    pub(crate) async fn drain(&self) -> Result<(), AgentError> {
        self.kept.maintain().await?;
        tokio::time::sleep(SPREAD).await;
        Ok(())
    }

    /// Stops the beats and removes the registration. The sidecar goes on: through it go the
    /// connections that are not closed yet.
    ///
    /// # Errors
    /// As the agent says. Then it is removed a minute after its checks have turned critical.
    pub(crate) async fn withdraw(&mut self) -> Result<(), AgentError> {
        self.silence();
        self.is_registered = false;
        self.kept.deregister().await
    }

    /// Ends the sidecar, which cuts what goes through it.
    pub(crate) async fn end(mut self) {
        if let Some(sidecar) = self.sidecar.take() {
            sidecar.end().await;
        }
    }

    fn silence(&mut self) {
        for attendant in self.attendants.drain(..) {
            attendant.abort();
        }
        self.kept.setting.registered.remove(self.kept.id());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.silence();
        if !self.is_registered {
            return;
        }
        let kept = Arc::clone(&self.kept);
        part(async move { drop(kept.deregister().await) });
    }
}

/// Does what is left to do when something is dropped that has told the agent of itself.
///
/// The runtime may be ending, and this process too: it is done where it is not cut off by the one,
/// and waited for because of the other. An agent that does not answer at once removes a registration
/// when its checks have turned critical.
pub(crate) fn part(parting: impl Future<Output = ()> + Send + 'static) {
    let Ok(io) = blocking::io() else { return };
    let (tell, told) = mpsc::channel();
    io.spawn(async move {
        let _ = timeout(Duration::from_secs(5), parting).await;
        let _ = tell.send(());
    });
    if !blocking::is_io_thread() {
        let _ = told.recv_timeout(FAREWELL);
    }
}

/// A sidecar that ends by itself again and again will not come up.
fn is_futile(info: &SidecarInfo) -> bool {
    info.restarts >= FUTILE && info.state == SidecarState::BackingOff
}
