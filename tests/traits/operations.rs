//! Operations: what is deployed.

use std::{collections::BTreeMap, error::Error as StdError, sync::Arc, time::Duration};

use async_trait::async_trait;
use meshrpc::{MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Transcript, fails, served};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    pub image: String,
    pub replicas: u16,
    pub env: BTreeMap<String, String>,
    pub probes: Option<(Duration, u8)>,
}

#[derive(Debug, thiserror::Error, MeshError)]
pub enum DeployError {
    #[error("{ready} of {wanted} are ready")]
    NotReady { ready: u16, wanted: u16 },
    #[error("no image {0}")]
    #[mesh(status = not_found)]
    NoImage(String),
    #[error("the cluster said no")]
    Cluster(#[source] Box<dyn StdError + Send + Sync>),
    #[error("the call failed")]
    #[mesh(transport)]
    Call(#[source] meshrpc::Error),
}

fails!(DeployError: made =>
    Self::NotReady { ready: made.below(9) as u16, wanted: 9 },
    Self::NoImage(made.text()),
    Self::Cluster(made.text().into()),
);

/// Brings releases to a cluster.
#[mesh_service]
#[mockall::automock]
#[async_trait]
#[must_use]
pub trait Deployer: Send + Sync {
    async fn roll_out(&self, service: String, release: Release) -> Result<u64, DeployError>;
    async fn roll_back(&self, service: String, to: Option<u64>) -> Result<Release, DeployError>;
    async fn scale(
        &self,
        service: String,
        replicas: u16,
        within: Duration,
    ) -> Result<u16, DeployError>;
    async fn services(&self) -> Result<BTreeMap<String, Release>, DeployError>;
    #[mesh(on_failure = default)]
    async fn is_frozen(&self) -> bool;
}

#[async_trait]
impl Deployer for Calls {
    async fn roll_out(&self, service: String, release: Release) -> Result<u64, DeployError> {
        self.answer("roll_out", &[&service, &release])
    }
    async fn roll_back(&self, service: String, to: Option<u64>) -> Result<Release, DeployError> {
        self.answer("roll_back", &[&service, &to])
    }
    async fn scale(
        &self,
        service: String,
        replicas: u16,
        within: Duration,
    ) -> Result<u16, DeployError> {
        self.answer("scale", &[&service, &replicas, &within])
    }
    async fn services(&self) -> Result<BTreeMap<String, Release>, DeployError> {
        self.answer("services", &[])
    }
    async fn is_frozen(&self) -> bool {
        self.value("is_frozen", &[])
    }
}

async fn use_deployer(deployer: Arc<dyn Deployer>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..5 {
        seen.variant(deployer.roll_out(seen.give(), seen.give()).await);
        seen.variant(deployer.roll_back(seen.give(), seen.give()).await);
        seen.variant(deployer.scale(seen.give(), seen.give(), seen.give()).await);
        seen.variant(deployer.services().await);
        seen.note(deployer.is_frozen().await);
    }
    seen
}

#[tokio::test]
async fn deployer() {
    let there: DeployerClient = served(DeployerHandler::new(Calls::default())).await;
    let here = use_deployer(Arc::new(Calls::default())).await;
    assert_eq!(here, use_deployer(Arc::new(there)).await);
}

/// Images that are deployed.
#[mesh_service]
#[mockall::automock]
#[async_trait]
pub trait ImageRegistry: Send + Sync {
    async fn tags(&self, image: String) -> Result<Vec<String>, DeployError>;
    async fn digest(&self, image: String, tag: String) -> Result<[u8; 32], DeployError>;
    async fn push(&self, image: String, layers: Vec<Vec<u8>>) -> Result<u64, DeployError>;
    async fn prune(&self, keep: usize, images: Vec<String>) -> Result<Vec<String>, DeployError>;
    #[mesh(local)]
    fn scheme(&self) -> &'static str {
        "oci"
    }
}

#[async_trait]
impl ImageRegistry for Calls {
    async fn tags(&self, image: String) -> Result<Vec<String>, DeployError> {
        self.answer("tags", &[&image])
    }
    async fn digest(&self, image: String, tag: String) -> Result<[u8; 32], DeployError> {
        self.answer("digest", &[&image, &tag])
    }
    async fn push(&self, image: String, layers: Vec<Vec<u8>>) -> Result<u64, DeployError> {
        self.answer("push", &[&image, &layers])
    }
    async fn prune(&self, keep: usize, images: Vec<String>) -> Result<Vec<String>, DeployError> {
        self.answer("prune", &[&keep, &images])
    }
}

async fn use_image_registry(images: &dyn ImageRegistry) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..5 {
        seen.variant(images.tags(seen.give()).await);
        seen.variant(images.digest(seen.give(), seen.give()).await);
        seen.variant(images.push(seen.give(), seen.give()).await);
        seen.variant(images.prune(seen.give(), seen.give()).await);
        seen.note(images.scheme());
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn image_registry() {
    let there: ImageRegistryClient = served(ImageRegistryHandler::new(Calls::default())).await;
    let here = use_image_registry(&Calls::default()).await;
    assert_eq!(here, use_image_registry(&there).await);
}
