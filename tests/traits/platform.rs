//! What platforms offer: flags, locks, limits, leases.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use meshrpc::{MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Transcript, fails, served};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Audience {
    pub user: Option<u64>,
    pub country: String,
    pub tags: BTreeMap<String, String>,
}

/// Feature flags: no call of theirs fails, there is always a default.
#[mesh_service(on_failure = default)]
#[async_trait]
pub trait FeatureFlags: Send + Sync {
    async fn is_enabled(&self, flag: &str, audience: &Audience) -> bool;
    async fn variant(&self, flag: &str, audience: &Audience) -> Option<String>;
    async fn all(&self, audience: Audience) -> BTreeMap<String, bool>;
    fn known(&self) -> Vec<String>;
    async fn count_exposure(&self, flag: &str, variant: Option<&str>);
}

#[async_trait]
impl FeatureFlags for Calls {
    async fn is_enabled(&self, flag: &str, audience: &Audience) -> bool {
        self.value("is_enabled", &[&flag, &audience])
    }
    async fn variant(&self, flag: &str, audience: &Audience) -> Option<String> {
        self.value("variant", &[&flag, &audience])
    }
    async fn all(&self, audience: Audience) -> BTreeMap<String, bool> {
        self.value("all", &[&audience])
    }
    fn known(&self) -> Vec<String> {
        self.value("known", &[])
    }
    async fn count_exposure(&self, flag: &str, variant: Option<&str>) {
        self.value("count_exposure", &[&flag, &variant])
    }
}

async fn use_feature_flags(flags: Arc<dyn FeatureFlags>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.note(flags.is_enabled(&seen.text(), &seen.give()).await);
        seen.note(flags.variant(&seen.text(), &seen.give()).await);
        seen.note(flags.all(seen.give()).await);
        seen.note(flags.known());
        flags.count_exposure(&seen.text(), Some(&seen.text())).await;
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn feature_flags() {
    let there: FeatureFlagsClient = served(FeatureFlagsHandler::new(Calls::default())).await;
    let here = use_feature_flags(Arc::new(Calls::default())).await;
    assert_eq!(here, use_feature_flags(Arc::new(there)).await);
}

/// Holds what the store of locks said.
#[derive(Debug, thiserror::Error, MeshError)]
pub enum LockError {
    #[error("held by {holder} for {left:?}")]
    #[mesh(status = aborted)]
    Held { holder: String, left: Duration },
    #[error("the fence {0} is behind")]
    Fenced(u64),
    #[error("the store failed")]
    Store(#[from] io::Error),
    #[error("no quorum")]
    Quorum(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fails!(LockError: made =>
    Self::Held { holder: made.text(), left: Duration::from_millis(made.below(9)) },
    Self::Fenced(made.number()),
    Self::Store(made.io()),
    Self::Quorum(made.text().into()),
);

/// Locks that a cluster agrees on.
#[mesh_service]
#[async_trait]
pub trait LockService: Send + Sync {
    #[mesh(sticky = name)]
    async fn acquire(&self, name: String, owner: String, ttl: Duration) -> Result<u64, LockError>;
    async fn renew(&self, name: String, fence: u64, ttl: Duration) -> Result<Duration, LockError>;
    async fn release(&self, name: String, fence: u64) -> Result<(), LockError>;
    async fn holders(
        &self,
        names: Vec<String>,
    ) -> Result<BTreeMap<String, Option<String>>, LockError>;
    #[mesh(local)]
    fn max_ttl(&self) -> Duration {
        Duration::from_secs(60)
    }
}

#[async_trait]
impl LockService for Calls {
    async fn acquire(&self, name: String, owner: String, ttl: Duration) -> Result<u64, LockError> {
        self.answer("acquire", &[&name, &owner, &ttl])
    }
    async fn renew(&self, name: String, fence: u64, ttl: Duration) -> Result<Duration, LockError> {
        self.answer("renew", &[&name, &fence, &ttl])
    }
    async fn release(&self, name: String, fence: u64) -> Result<(), LockError> {
        self.answer("release", &[&name, &fence])
    }
    async fn holders(
        &self,
        names: Vec<String>,
    ) -> Result<BTreeMap<String, Option<String>>, LockError> {
        self.answer("holders", &[&names])
    }
}

async fn use_lock_service(locks: Arc<dyn LockService>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..6 {
        seen.variant(locks.acquire(seen.give(), seen.give(), seen.give()).await);
        seen.variant(locks.renew(seen.give(), seen.give(), seen.give()).await);
        seen.variant(locks.release(seen.give(), seen.give()).await);
        seen.variant(locks.holders(seen.give()).await);
        seen.note(locks.max_ttl());
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_service() {
    let there: LockServiceClient = served(LockServiceHandler::new(Calls::default())).await;
    let here = use_lock_service(Arc::new(Calls::default())).await;
    assert_eq!(here, use_lock_service(Arc::new(there)).await);
}

/// Lets calls pass, or not; if it cannot be asked, they pass.
#[mesh_service]
#[async_trait]
#[diagnostic::on_unimplemented(message = "`{Self}` limits nothing")]
pub trait RateLimiter: Send + Sync {
    #[mesh(on_failure = |_| true)]
    async fn allow(&self, key: String, cost: u32) -> bool;
    #[mesh(on_failure = default)]
    async fn remaining(&self, key: String) -> u32;
    #[mesh(on_failure = panic)]
    async fn configure(&self, key: String, per_second: f64, burst: Option<u32>);
    #[mesh(on_failure = default)]
    fn keys(&self) -> Vec<String>;
}

#[async_trait]
impl RateLimiter for Calls {
    async fn allow(&self, key: String, cost: u32) -> bool {
        self.value("allow", &[&key, &cost])
    }
    async fn remaining(&self, key: String) -> u32 {
        self.value("remaining", &[&key])
    }
    async fn configure(&self, key: String, per_second: f64, burst: Option<u32>) {
        self.value("configure", &[&key, &per_second, &burst])
    }
    fn keys(&self) -> Vec<String> {
        self.value("keys", &[])
    }
}

async fn use_rate_limiter(limiter: &dyn RateLimiter) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.note(limiter.allow(seen.give(), seen.give()).await);
        seen.note(limiter.remaining(seen.give()).await);
        limiter
            .configure(seen.give(), seen.give(), seen.give())
            .await;
        seen.note(limiter.keys());
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limiter() {
    let there: RateLimiterClient = served(RateLimiterHandler::new(Calls::default())).await;
    let here = use_rate_limiter(&Calls::default()).await;
    assert_eq!(here, use_rate_limiter(&there).await);
}

#[derive(Debug, PartialEq, thiserror::Error, MeshError)]
pub enum LeaseError {
    #[error("lease {0} is over")]
    Expired(u64),
    #[error("no node {node} in {zone}")]
    NoNode { node: String, zone: String },
    #[error("not now")]
    Busy,
    #[error("not reached: {0}")]
    #[mesh(transport)]
    Unreached(String),
}

impl From<meshrpc::Error> for LeaseError {
    fn from(error: meshrpc::Error) -> Self {
        Self::Unreached(error.to_string())
    }
}

fails!(LeaseError: made =>
    Self::Expired(made.number()),
    Self::NoNode { node: made.text(), zone: made.and(1).text() },
    Self::Busy,
);

/// Leases of nodes; taking one changes the book.
#[mesh_service]
#[async_trait]
pub trait Leases: Send + Sync {
    async fn take(&mut self, node: String, zone: String) -> Result<u64, LeaseError>;
    async fn give_back(&mut self, lease: u64) -> Result<Duration, LeaseError>;
    async fn active(&self, zone: Option<String>) -> Result<Vec<(u64, String)>, LeaseError>;
}

#[async_trait]
impl Leases for Calls {
    async fn take(&mut self, node: String, zone: String) -> Result<u64, LeaseError> {
        self.answer("take", &[&node, &zone])
    }
    async fn give_back(&mut self, lease: u64) -> Result<Duration, LeaseError> {
        self.answer("give_back", &[&lease])
    }
    async fn active(&self, zone: Option<String>) -> Result<Vec<(u64, String)>, LeaseError> {
        self.answer("active", &[&zone])
    }
}

async fn use_leases(mut leases: impl Leases) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.result(leases.take(seen.give(), seen.give()).await);
        seen.result(leases.give_back(seen.give()).await);
        seen.result(leases.active(seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn leases() {
    let there: LeasesClient = served(LeasesHandler::new(Calls::default())).await;
    let here = use_leases(Calls::default()).await;
    assert_eq!(here, use_leases(there).await);
}
