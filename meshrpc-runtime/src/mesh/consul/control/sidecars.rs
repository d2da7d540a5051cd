//! Sidecars by hand.

use std::sync::Arc;

use super::super::{
    Consul, ConsulError, SidecarEvent, SidecarInfo, SidecarState, sidecar::Sidecar,
};

/// The sidecar of a registration of this process.
#[derive(Clone, Debug)]
pub struct SidecarHandle {
    service: String,
    sidecar: Arc<Sidecar>,
}

impl Consul {
    /// The sidecar of a registration of this process, by the name of the service or by id.
    ///
    /// # Errors
    /// [`ConsulError::NotOwned`] if this process has registered no such service;
    /// [`ConsulError::InvalidState`] if it has no sidecar, or somebody else runs it.
    pub fn sidecar(&self, service: &str) -> Result<SidecarHandle, ConsulError> {
        let entry = self.entry(service)?;
        let sidecar = entry.sidecar().ok_or_else(|| ConsulError::InvalidState {
            service: service.to_owned(),
            reason: "this process runs no sidecar for it".to_owned(),
        })?;
        let service = service.to_owned();
        Ok(SidecarHandle { service, sidecar })
    }

    /// Calls `hook` with everything that happens to sidecars of this mesh in this process, from now
    /// on: their starts, deaths, and every line they write. It is called from their tasks, which it
    /// must not hold up.
    pub fn on_sidecar(&self, hook: impl Fn(&SidecarEvent) + Send + Sync + 'static) {
        self.shared.setting.hooks.add(hook);
    }
}

impl SidecarHandle {
    /// What it does, and how often it was started again.
    pub fn info(&self) -> SidecarInfo {
        self.sidecar.info()
    }

    /// Ends the proxy and leaves it so: clients are not sent here until it is
    /// [`start`](Self::start)ed. Connections through it are cut. It returns when the proxy has
    /// ended, or somebody else has it started again.
    pub async fn stop(&self) {
        self.sidecar.pause();
        let stopped = |info: &SidecarInfo| info.state == SidecarState::Stopped;
        self.sidecar.until_wished(false, stopped).await;
    }

    /// Starts a proxy that was stopped, or that waits to be started again, and returns when its
    /// port answers. One that runs is left as it is.
    ///
    /// # Errors
    /// [`ConsulError::InvalidState`] if it is stopped meanwhile, or its registration has come to
    /// its end.
    pub async fn start(&self) -> Result<(), ConsulError> {
        self.sidecar.resume();
        self.running(|_| true).await
    }

    /// Ends the proxy and starts it again, and returns when its port answers. Connections through
    /// it are cut.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn restart(&self) -> Result<(), ConsulError> {
        let before = self.info().pid;
        self.sidecar.restart();
        self.running(|info| info.pid != before).await
    }

    async fn running(&self, is_it: impl Fn(&SidecarInfo) -> bool) -> Result<(), ConsulError> {
        let running = |info: &SidecarInfo| info.is_running() && is_it(info);
        match self.sidecar.until_wished(true, running).await {
            true => Ok(()),
            false => Err(ConsulError::InvalidState {
                service: self.service.clone(),
                reason: "it was stopped".to_owned(),
            }),
        }
    }
}
