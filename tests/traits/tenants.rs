//! Tenants, their backups, and whether all is well.

use std::{collections::BTreeMap, io, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use meshrpc::{MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Transcript, fails, served};

/// Crosses as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", content = "data")]
pub enum TenantError {
    #[error("no tenant {0}")]
    NoTenant(String),
    #[error("{used} of {quota} used")]
    Quota { used: u64, quota: u64 },
    #[error("suspended")]
    Suspended,
    #[error("{0}")]
    Unreached(String),
}

impl From<meshrpc::Error> for TenantError {
    fn from(error: meshrpc::Error) -> Self {
        Self::Unreached(error.to_string())
    }
}

fails!(TenantError: made =>
    Self::NoTenant(made.text()),
    Self::Quota { used: made.below(9), quota: 9 },
    Self::Suspended,
);

/// Tenants of a platform.
#[mesh_service]
#[mockall::automock]
#[async_trait]
pub trait TenantDirectory: Send + Sync {
    async fn create(&self, name: String, plan: Option<String>) -> Result<u64, TenantError>;
    async fn quota(&self, name: String, resource: String) -> Result<(u64, u64), TenantError>;
    async fn suspend(
        &self,
        names: Vec<String>,
        until: Option<Duration>,
    ) -> Result<usize, TenantError>;
    async fn usage(&self, days: (u32, u32)) -> Result<BTreeMap<String, u64>, TenantError>;
}

#[async_trait]
impl TenantDirectory for Calls {
    async fn create(&self, name: String, plan: Option<String>) -> Result<u64, TenantError> {
        self.answer("create", &[&name, &plan])
    }
    async fn quota(&self, name: String, resource: String) -> Result<(u64, u64), TenantError> {
        self.answer("quota", &[&name, &resource])
    }
    async fn suspend(
        &self,
        names: Vec<String>,
        until: Option<Duration>,
    ) -> Result<usize, TenantError> {
        self.answer("suspend", &[&names, &until])
    }
    async fn usage(&self, days: (u32, u32)) -> Result<BTreeMap<String, u64>, TenantError> {
        self.answer("usage", &[&days])
    }
}

async fn use_tenant_directory(tenants: Box<dyn TenantDirectory>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.result(tenants.create(seen.give(), seen.give()).await);
        seen.result(tenants.quota(seen.give(), seen.give()).await);
        seen.result(tenants.suspend(seen.give(), seen.give()).await);
        seen.result(tenants.usage((seen.give(), seen.give())).await);
    }
    seen
}

#[tokio::test]
async fn tenant_directory() {
    let there: TenantDirectoryClient = served(TenantDirectoryHandler::new(Calls::default())).await;
    let here = use_tenant_directory(Box::new(Calls::default())).await;
    assert_eq!(here, use_tenant_directory(Box::new(there)).await);
}

/// Invitations to tenants.
#[mesh_service]
#[mockall::automock]
#[async_trait]
pub trait Invitations: Send + Sync {
    async fn invite(
        &self,
        tenant: String,
        address: String,
        role: u8,
    ) -> Result<String, TenantError>;
    async fn accept(&self, code: String) -> Result<u64, TenantError>;
    async fn pending(&self, tenant: String) -> Result<Vec<(String, u8)>, TenantError>;
    #[mesh(on_failure = default)]
    async fn count(&self) -> usize;
}

#[async_trait]
impl Invitations for Calls {
    async fn invite(
        &self,
        tenant: String,
        address: String,
        role: u8,
    ) -> Result<String, TenantError> {
        self.answer("invite", &[&tenant, &address, &role])
    }
    async fn accept(&self, code: String) -> Result<u64, TenantError> {
        self.answer("accept", &[&code])
    }
    async fn pending(&self, tenant: String) -> Result<Vec<(String, u8)>, TenantError> {
        self.answer("pending", &[&tenant])
    }
    async fn count(&self) -> usize {
        self.value("count", &[])
    }
}

async fn use_invitations(invites: &dyn Invitations) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.result(invites.invite(seen.give(), seen.give(), seen.give()).await);
        seen.result(invites.accept(seen.give()).await);
        seen.result(invites.pending(seen.give()).await);
        seen.note(invites.count().await);
    }
    seen
}

#[tokio::test]
async fn invitations() {
    let there: InvitationsClient = served(InvitationsHandler::new(Calls::default())).await;
    let here = use_invitations(&Calls::default()).await;
    assert_eq!(here, use_invitations(&there).await);
}

/// Backups of folders.
#[mesh_service]
#[async_trait]
pub trait Backups: Send + Sync {
    async fn start(&self, folder: &Path, label: Option<&str>) -> io::Result<u64>;
    async fn restore(&self, id: u64, into: &Path, only: &[String]) -> io::Result<u64>;
    async fn list(&self, folder: &Path) -> Result<Vec<(u64, u64)>, io::Error>;
    async fn forget(&self, ids: Vec<u64>) -> io::Result<()>;
}

#[async_trait]
impl Backups for Calls {
    async fn start(&self, folder: &Path, label: Option<&str>) -> io::Result<u64> {
        self.answer("start", &[&folder, &label])
    }
    async fn restore(&self, id: u64, into: &Path, only: &[String]) -> io::Result<u64> {
        self.answer("restore", &[&id, &into, &only])
    }
    async fn list(&self, folder: &Path) -> Result<Vec<(u64, u64)>, io::Error> {
        self.answer("list", &[&folder])
    }
    async fn forget(&self, ids: Vec<u64>) -> io::Result<()> {
        self.answer("forget", &[&ids])
    }
}

async fn use_backups(backups: &dyn Backups) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(
            backups
                .start(Path::new(&seen.text()), Some(&seen.text()))
                .await,
        );
        seen.wrapped(
            backups
                .restore(
                    seen.give(),
                    Path::new(&seen.text()),
                    &[seen.give(), seen.give()],
                )
                .await,
        );
        seen.wrapped(backups.list(Path::new(&seen.text())).await);
        seen.wrapped(backups.forget(seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn backups() {
    let there: BackupsClient = served(BackupsHandler::new(Calls::default())).await;
    let here = use_backups(&Calls::default()).await;
    assert_eq!(here, use_backups(&there).await);
}

/// Plain data.
#[derive(Clone, Debug, PartialEq, thiserror::Error, MeshError)]
pub enum ProbeError {
    #[error("{0} does not answer")]
    Silent(String),
    #[error("{status}: {body}")]
    Status { status: u16, body: String },
    #[error("too slow")]
    Slow,
    #[error("unknown: {0}")]
    #[mesh(transport)]
    Unknown(String),
}

impl From<meshrpc::Error> for ProbeError {
    fn from(error: meshrpc::Error) -> Self {
        Self::Unknown(error.to_string())
    }
}

fails!(ProbeError: made =>
    Self::Silent(made.text()),
    Self::Status { status: made.below(600) as u16, body: made.text() },
    Self::Slow,
);

/// Whether services are well.
#[mesh_service]
pub trait Health: Send + Sync {
    fn probe(
        &self,
        url: String,
        timeout: Duration,
    ) -> impl Future<Output = Result<Duration, ProbeError>> + Send;
    fn probe_all(
        &self,
        urls: Vec<String>,
    ) -> impl Future<Output = Result<Vec<bool>, ProbeError>> + Send;
    fn history(
        &self,
        url: String,
        last: usize,
    ) -> impl Future<Output = Result<Vec<(u64, bool)>, ProbeError>> + Send;
}

impl Health for Calls {
    async fn probe(&self, url: String, timeout: Duration) -> Result<Duration, ProbeError> {
        self.answer("probe", &[&url, &timeout])
    }
    async fn probe_all(&self, urls: Vec<String>) -> Result<Vec<bool>, ProbeError> {
        self.answer("probe_all", &[&urls])
    }
    async fn history(&self, url: String, last: usize) -> Result<Vec<(u64, bool)>, ProbeError> {
        self.answer("history", &[&url, &last])
    }
}

async fn use_health(health: impl Health) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.result(health.probe(seen.give(), seen.give()).await);
        seen.result(health.probe_all(seen.give()).await);
        seen.result(health.history(seen.give(), seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn health() {
    let there: HealthClient = served(HealthHandler::new(Calls::default())).await;
    let here = use_health(Calls::default()).await;
    assert_eq!(here, use_health(there).await);
}

/// Wakes people.
#[mesh_service]
#[async_trait]
pub trait Pager: Send + Sync {
    async fn page(&self, team: &str, severity: u8, text: &str) -> Result<u64, ProbeError>;
    async fn acknowledge(&self, id: u64, by: String) -> Result<bool, ProbeError>;
    async fn on_call(&self, team: &str) -> Result<Vec<String>, ProbeError>;
    async fn escalate(&self, id: u64) -> Result<u64, ProbeError> {
        let teams = self.on_call("managers").await?;
        self.page("managers", 9, &format!("{id}: {teams:?}")).await
    }
}

#[async_trait]
impl Pager for Calls {
    async fn page(&self, team: &str, severity: u8, text: &str) -> Result<u64, ProbeError> {
        self.answer("page", &[&team, &severity, &text])
    }
    async fn acknowledge(&self, id: u64, by: String) -> Result<bool, ProbeError> {
        self.answer("acknowledge", &[&id, &by])
    }
    async fn on_call(&self, team: &str) -> Result<Vec<String>, ProbeError> {
        self.answer("on_call", &[&team])
    }
}

async fn use_pager(pager: Arc<dyn Pager>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.result(pager.page(&seen.text(), seen.give(), &seen.text()).await);
        seen.result(pager.acknowledge(seen.give(), seen.give()).await);
        seen.result(pager.on_call(&seen.text()).await);
        seen.result(pager.escalate(seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn pager() {
    let there: PagerClient = served(PagerHandler::new(Calls::default())).await;
    let here = use_pager(Arc::new(Calls::default())).await;
    assert_eq!(here, use_pager(Arc::new(there)).await);
}
