//! Who signs, who validates, who brings over.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use meshrpc::{MeshError, mesh_service};

use crate::{
    chains::Transaction,
    harness::{Calls, Transcript, fails, served},
};

/// What a signer refuses; plain data.
#[derive(Debug, PartialEq, thiserror::Error, MeshError)]
#[error("refused by rule {rule}: {words}")]
#[mesh(status = permission_denied)]
pub struct SignError {
    pub rule: u32,
    pub words: String,
}

impl From<meshrpc::Error> for SignError {
    fn from(error: meshrpc::Error) -> Self {
        Self {
            rule: 0,
            words: error.to_string(),
        }
    }
}

fails!(SignError: made => Self { rule: made.number() as u32, words: made.text() });

/// Signs; programs show it to people.
#[mesh_service(supertraits = manual)]
#[async_trait]
pub trait Signer: fmt::Display + fmt::Debug + Send + Sync {
    async fn addresses(&self) -> Result<Vec<String>, SignError>;
    async fn sign(&self, address: &str, digest: &[u8; 32]) -> Result<Vec<u8>, SignError>;
    async fn sign_message(
        &self,
        address: &str,
        message: Cow<'_, str>,
    ) -> Result<Vec<u8>, SignError>;
    async fn sign_transaction(
        &self,
        transaction: &Transaction,
        nonce: u64,
    ) -> Result<Vec<u8>, SignError>;
}

impl fmt::Display for SignerClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signer")
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signer")
    }
}

#[async_trait]
impl Signer for Calls {
    async fn addresses(&self) -> Result<Vec<String>, SignError> {
        self.answer("addresses", &[])
    }
    async fn sign(&self, address: &str, digest: &[u8; 32]) -> Result<Vec<u8>, SignError> {
        self.answer("sign", &[&address, &digest])
    }
    async fn sign_message(
        &self,
        address: &str,
        message: Cow<'_, str>,
    ) -> Result<Vec<u8>, SignError> {
        self.answer("sign_message", &[&address, &message])
    }
    async fn sign_transaction(
        &self,
        transaction: &Transaction,
        nonce: u64,
    ) -> Result<Vec<u8>, SignError> {
        self.answer("sign_transaction", &[&transaction, &nonce])
    }
}

async fn use_signer(signer: Box<dyn Signer>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.result(signer.addresses().await);
        seen.result(signer.sign(&seen.text(), &seen.give()).await);
        seen.result(signer.sign_message(&seen.text(), seen.text().into()).await);
        seen.result(signer.sign_transaction(&seen.give(), seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn signer() {
    let there: SignerClient = served(SignerHandler::new(Calls::default())).await;
    let here = use_signer(Box::new(Calls::default())).await;
    assert_eq!(here, use_signer(Box::new(there)).await);
}

/// Who validates; an empty set if nobody can say.
#[mesh_service(on_failure = default)]
#[async_trait]
pub trait ValidatorSet: Send + Sync {
    async fn at(&self, epoch: u64) -> BTreeMap<String, u64>;
    async fn leader(&self, epoch: u64, slot: u32) -> Option<String>;
    async fn is_member(&self, name: String, epoch: u64) -> bool;
}

#[async_trait]
impl ValidatorSet for Calls {
    async fn at(&self, epoch: u64) -> BTreeMap<String, u64> {
        self.value("at", &[&epoch])
    }
    async fn leader(&self, epoch: u64, slot: u32) -> Option<String> {
        self.value("leader", &[&epoch, &slot])
    }
    async fn is_member(&self, name: String, epoch: u64) -> bool {
        self.value("is_member", &[&name, &epoch])
    }
}

async fn use_validator_set(validators: Arc<dyn ValidatorSet>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.note(validators.at(seen.give()).await);
        seen.note(validators.leader(seen.give(), seen.give()).await);
        seen.note(validators.is_member(seen.give(), seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn validator_set() {
    let there: ValidatorSetClient = served(ValidatorSetHandler::new(Calls::default())).await;
    let here = use_validator_set(Arc::new(Calls::default())).await;
    assert_eq!(here, use_validator_set(Arc::new(there)).await);
}

/// Brings value from chain to chain.
#[mesh_service]
#[async_trait]
pub trait Bridge: Send + Sync {
    async fn lock(&self, from: (u64, String), value: u128) -> anyhow::Result<[u8; 16]>;
    async fn proof(&self, lock: [u8; 16]) -> anyhow::Result<Option<Vec<[u8; 32]>>>;
    #[mesh(run_to_completion)]
    async fn claim(
        &self,
        lock: [u8; 16],
        proof: Vec<[u8; 32]>,
        to: (u64, String),
    ) -> anyhow::Result<bool>;
}

#[async_trait]
impl Bridge for Calls {
    async fn lock(&self, from: (u64, String), value: u128) -> anyhow::Result<[u8; 16]> {
        self.answer("lock", &[&from, &value])
    }
    async fn proof(&self, lock: [u8; 16]) -> anyhow::Result<Option<Vec<[u8; 32]>>> {
        self.answer("proof", &[&lock])
    }
    async fn claim(
        &self,
        lock: [u8; 16],
        proof: Vec<[u8; 32]>,
        to: (u64, String),
    ) -> anyhow::Result<bool> {
        self.answer("claim", &[&lock, &proof, &to])
    }
}

async fn use_bridge(bridge: &dyn Bridge) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.messages(bridge.lock((seen.give(), seen.give()), seen.give()).await);
        seen.messages(bridge.proof(seen.give()).await);
        seen.messages(
            bridge
                .claim(seen.give(), seen.give(), (seen.give(), seen.give()))
                .await,
        );
    }
    seen
}

#[tokio::test]
async fn bridge() {
    let there: BridgeClient = served(BridgeHandler::new(Calls::default())).await;
    let here = use_bridge(&Calls::default()).await;
    assert_eq!(here, use_bridge(&there).await);
}
