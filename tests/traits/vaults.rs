//! Vaults, secrets, schedules.

use std::{collections::BTreeMap, io, string::FromUtf8Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use meshrpc::{MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Transcript, fails, served};

/// Of the vault: what it said, and what was in it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("the vault is sealed")]
    Sealed(#[from] io::Error),
    #[error("{path} holds no text")]
    NoText {
        path: String,
        #[source]
        cause: FromUtf8Error,
    },
    #[error("{0} is denied")]
    Denied(String),
}

fails!(VaultError: made =>
    Self::Sealed(made.io()),
    Self::NoText { path: made.text(), cause: String::from_utf8(vec![200]).expect_err("no text") },
    Self::Denied(made.text()),
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyInfo {
    pub version: u32,
    pub algorithm: Algorithm,
    pub exportable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Algorithm {
    Aes256,
    Ed25519,
}

/// Keys that never leave their vault.
#[mesh_service]
#[cfg_attr(test, async_trait)]
pub trait KeyVault: Send + Sync {
    async fn create(&self, path: &str, algorithm: Algorithm) -> Result<KeyInfo, VaultError>;
    async fn encrypt(
        &self,
        path: &str,
        plain: &[u8],
        aad: Option<&[u8]>,
    ) -> Result<Vec<u8>, VaultError>;
    async fn decrypt(
        &self,
        path: &str,
        sealed: &[u8],
        aad: Option<&[u8]>,
    ) -> Result<Vec<u8>, VaultError>;
    async fn sign(
        &self,
        path: &str,
        version: Option<u32>,
        digest: [u8; 32],
    ) -> Result<Vec<u8>, VaultError>;
    async fn rotate(&self, path: &str) -> Result<u32, VaultError> {
        let info = self.info(path).await?;
        Ok(info.version + 1)
    }
    async fn info(&self, path: &str) -> Result<KeyInfo, VaultError>;
}

#[cfg_attr(test, async_trait)]
impl KeyVault for Calls {
    async fn create(&self, path: &str, algorithm: Algorithm) -> Result<KeyInfo, VaultError> {
        self.answer("create", &[&path, &algorithm])
    }
    async fn encrypt(
        &self,
        path: &str,
        plain: &[u8],
        aad: Option<&[u8]>,
    ) -> Result<Vec<u8>, VaultError> {
        self.answer("encrypt", &[&path, &plain, &aad])
    }
    async fn decrypt(
        &self,
        path: &str,
        sealed: &[u8],
        aad: Option<&[u8]>,
    ) -> Result<Vec<u8>, VaultError> {
        self.answer("decrypt", &[&path, &sealed, &aad])
    }
    async fn sign(
        &self,
        path: &str,
        version: Option<u32>,
        digest: [u8; 32],
    ) -> Result<Vec<u8>, VaultError> {
        self.answer("sign", &[&path, &version, &digest])
    }
    async fn info(&self, path: &str) -> Result<KeyInfo, VaultError> {
        self.answer("info", &[&path])
    }
}

async fn use_key_vault(vault: Box<dyn KeyVault>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(vault.create(&seen.text(), seen.give()).await);
        seen.wrapped(
            vault
                .encrypt(
                    &seen.text(),
                    &[seen.give(), seen.give()],
                    Some(&[seen.give(), 7]),
                )
                .await,
        );
        seen.wrapped(
            vault
                .decrypt(
                    &seen.text(),
                    &[seen.give(), seen.give()],
                    Some(&[seen.give(), 7]),
                )
                .await,
        );
        seen.wrapped(vault.sign(&seen.text(), seen.give(), seen.give()).await);
        seen.wrapped(vault.rotate(&seen.text()).await);
        seen.wrapped(vault.info(&seen.text()).await);
    }
    seen
}

#[tokio::test]
async fn key_vault() {
    let there: KeyVaultClient = served(KeyVaultHandler::new(Calls::default())).await;
    let here = use_key_vault(Box::new(Calls::default())).await;
    assert_eq!(here, use_key_vault(Box::new(there)).await);
}

/// Secrets by path.
#[mesh_service]
#[async_trait::async_trait]
pub trait SecretSource: Send + Sync + std::fmt::Debug {
    #[mesh(local = "secrets elsewhere")]
    fn name(&self) -> &'static str;
    async fn fetch(&self, path: String, version: Option<u64>) -> anyhow::Result<String>;
    async fn fetch_all(&self, prefix: Option<String>) -> anyhow::Result<BTreeMap<String, String>>;
    async fn store(&self, path: String, value: String) -> anyhow::Result<u64>;
}

#[async_trait::async_trait]
impl SecretSource for Calls {
    fn name(&self) -> &'static str {
        "secrets elsewhere"
    }
    async fn fetch(&self, path: String, version: Option<u64>) -> anyhow::Result<String> {
        self.answer("fetch", &[&path, &version])
    }
    async fn fetch_all(&self, prefix: Option<String>) -> anyhow::Result<BTreeMap<String, String>> {
        self.answer("fetch_all", &[&prefix])
    }
    async fn store(&self, path: String, value: String) -> anyhow::Result<u64> {
        self.answer("store", &[&path, &value])
    }
}

async fn use_secret_source(secrets: Arc<dyn SecretSource>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.note(secrets.name());
        seen.messages(secrets.fetch(seen.give(), seen.give()).await);
        seen.messages(secrets.fetch_all(seen.give()).await);
        seen.messages(secrets.store(seen.give(), seen.give()).await);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_source() {
    let there: SecretSourceClient = served(SecretSourceHandler::new(Calls::default())).await;
    let here = use_secret_source(Arc::new(Calls::default())).await;
    assert_eq!(here, use_secret_source(Arc::new(there)).await);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Trigger {
    Once { after: Duration },
    Every(Duration),
    Cron(String),
}

#[derive(Debug, thiserror::Error, MeshError)]
pub enum ScheduleError {
    #[error("`{text}` is no schedule")]
    Syntax {
        text: String,
        #[source]
        cause: anyhow::Error,
    },
    #[error("no job {0}")]
    NoJob(String),
    #[error("job {0} runs already")]
    Running(String),
    #[error("the call failed")]
    #[mesh(transport)]
    Call(#[from] meshrpc::Error),
}

fails!(ScheduleError: made =>
    Self::Syntax { text: made.text(), cause: anyhow::anyhow!("column {}", made.below(80)) },
    Self::NoJob(made.text()),
    Self::Running(made.text()),
);

/// Runs jobs in time.
#[mesh_service]
#[async_trait]
pub trait Scheduler: Send + Sync + 'static {
    async fn add(
        &self,
        job: String,
        trigger: Trigger,
        payload: Vec<u8>,
    ) -> Result<u64, ScheduleError>;
    async fn pause(&self, job: String, r#in: Option<Duration>) -> Result<(), ScheduleError>;
    async fn resume(&self, job: String) -> Result<bool, ScheduleError>;
    async fn next_runs(&self, job: String, count: usize) -> Result<Vec<Duration>, ScheduleError>;
    #[cfg(any())]
    async fn run_now(&self, job: String, debugger: Debugger) -> Result<(), ScheduleError>;
    #[cfg(not(any()))]
    async fn run_after(&self, job: String, other: String) -> Result<u64, ScheduleError>;
    fn is_paused(&self, job: String) -> Result<bool, ScheduleError>;
}

#[async_trait]
impl Scheduler for Calls {
    async fn add(
        &self,
        job: String,
        trigger: Trigger,
        payload: Vec<u8>,
    ) -> Result<u64, ScheduleError> {
        self.answer("add", &[&job, &trigger, &payload])
    }
    async fn pause(&self, job: String, r#in: Option<Duration>) -> Result<(), ScheduleError> {
        self.answer("pause", &[&job, &r#in])
    }
    async fn resume(&self, job: String) -> Result<bool, ScheduleError> {
        self.answer("resume", &[&job])
    }
    async fn next_runs(&self, job: String, count: usize) -> Result<Vec<Duration>, ScheduleError> {
        self.answer("next_runs", &[&job, &count])
    }
    #[cfg(not(any()))]
    async fn run_after(&self, job: String, other: String) -> Result<u64, ScheduleError> {
        self.answer("run_after", &[&job, &other])
    }
    fn is_paused(&self, job: String) -> Result<bool, ScheduleError> {
        self.answer("is_paused", &[&job])
    }
}

async fn use_scheduler(scheduler: Arc<dyn Scheduler>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..5 {
        seen.variant(scheduler.add(seen.give(), seen.give(), seen.give()).await);
        seen.variant(scheduler.pause(seen.give(), seen.give()).await);
        seen.variant(scheduler.resume(seen.give()).await);
        seen.variant(scheduler.next_runs(seen.give(), seen.give()).await);
        seen.variant(scheduler.run_after(seen.give(), seen.give()).await);
        seen.variant(scheduler.is_paused(seen.give()));
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduler() {
    let there: SchedulerClient = served(SchedulerHandler::new(Calls::default())).await;
    let here = use_scheduler(Arc::new(Calls::default())).await;
    assert_eq!(here, use_scheduler(Arc::new(there)).await);
}
