//! Stores: keys, rows, blobs.

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use async_trait::async_trait;
use meshrpc::mesh_service;
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Made, Transcript, served};

/// Holds sources that do not cross.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk's.
    #[error("the disk failed")]
    Disk(#[from] io::Error),
    /// A number that is none.
    #[error("`{key}` holds no number")]
    Number {
        /// Where.
        key: String,
        /// Why.
        source: std::num::ParseIntError,
    },
    /// Nothing there.
    #[error("no `{0}`")]
    Missing(String),
}

impl StoreError {
    /// Each variant in turn, and no error in between.
    fn of(made: Made) -> Option<Self> {
        match made.turn % 6 {
            1 => Some(Self::Disk(io::Error::other(made.text()))),
            3 => Some(Self::Number {
                key: made.text(),
                source: "x".parse::<u8>().expect_err("no number"),
            }),
            5 => Some(Self::Missing(made.text())),
            _ => None,
        }
    }
}

/// A store of bytes under keys.
#[mesh_service]
#[async_trait]
pub trait KeyValueStore {
    /// The value of `key`.
    async fn get(&self, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Sets it.
    async fn put(&self, bucket: &str, key: &str, value: &[u8]) -> Result<(), StoreError>;
    /// Removes several.
    async fn delete_many(&self, bucket: &str, keys: &[&str]) -> Result<usize, StoreError>;
    /// Keys and sizes of a range.
    async fn scan(
        &self,
        bucket: &str,
        from: Option<&str>,
        limit: usize,
    ) -> Result<BTreeMap<String, u64>, StoreError>;
}

#[derive(Default)]
struct Memory(Calls);

#[async_trait]
impl KeyValueStore for Memory {
    async fn get(&self, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let made = self.0.made("get", &[&bucket, &key]);
        StoreError::of(made).map_or_else(|| Ok(made.flag().then(|| made.bytes())), Err)
    }

    async fn put(&self, bucket: &str, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let made = self.0.made("put", &[&bucket, &key, &value]);
        StoreError::of(made).map_or(Ok(()), Err)
    }

    async fn delete_many(&self, bucket: &str, keys: &[&str]) -> Result<usize, StoreError> {
        let made = self.0.made("delete_many", &[&bucket, &keys]);
        StoreError::of(made).map_or(Ok(made.below(1000) as usize), Err)
    }

    async fn scan(
        &self,
        bucket: &str,
        from: Option<&str>,
        limit: usize,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let made = self.0.made("scan", &[&bucket, &from, &limit]);
        let found = [(made.text(), made.number()), (made.and(1).text(), 7)];
        StoreError::of(made).map_or(Ok(found.into()), Err)
    }
}

async fn use_store(store: Arc<dyn KeyValueStore>) -> Transcript {
    let mut seen = Transcript::default();
    for round in ["a", "b", "c"] {
        seen.wrapped(store.get("users", round).await);
        seen.wrapped(store.put("users", round, b"\0value").await);
        seen.wrapped(store.delete_many(round, &["x", "y"]).await);
        seen.wrapped(store.scan(round, Some("from"), 3).await);
        seen.wrapped(store.scan(round, None, 0).await);
    }
    seen
}

#[tokio::test]
async fn key_value_store() {
    let here = Arc::new(Memory::default());
    let there: KeyValueStoreClient = served(KeyValueStoreHandler::new(Memory::default())).await;
    assert_eq!(use_store(here).await, use_store(Arc::new(there)).await);
}

/// A file's place and size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stat {
    /// Bytes.
    pub len: u64,
    /// Seconds.
    pub modified: Option<i64>,
}

/// Files under a root, for programs that use anyhow.
#[mesh_service]
pub trait Files {
    /// Size and time.
    #[mesh(idempotent)]
    async fn stat(&self, path: &Path) -> anyhow::Result<Stat>;
    /// A part of it.
    async fn read(&self, path: &Path, offset: u64, len: u32) -> anyhow::Result<Vec<u8>>;
    /// Both names.
    async fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> anyhow::Result<bool>;
    /// Whether it is there, by asking for its size.
    async fn exists(&self, path: &Path) -> anyhow::Result<bool> {
        Ok(self.stat(path).await.is_ok())
    }
}

#[derive(Default)]
struct Disk(Calls);

fn of(made: Made) -> anyhow::Result<Made> {
    match made.turn % 3 {
        1 => Err(anyhow::anyhow!("inner {}", made.text()).context("outer")),
        _ => Ok(made),
    }
}

impl Files for Disk {
    async fn stat(&self, path: &Path) -> anyhow::Result<Stat> {
        let made = of(self.0.made("stat", &[&path]))?;
        Ok(Stat {
            len: made.number(),
            modified: made.flag().then_some(-1),
        })
    }

    async fn read(&self, path: &Path, offset: u64, len: u32) -> anyhow::Result<Vec<u8>> {
        Ok(of(self.0.made("read", &[&path, &offset, &len]))?.bytes())
    }

    async fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> anyhow::Result<bool> {
        Ok(of(self.0.made("rename", &[&from.as_ref(), &to.as_ref()]))?.flag())
    }
}

async fn use_files(files: &impl Files) -> Transcript {
    let mut seen = Transcript::default();
    for path in ["/a", "b/c", "ü"].map(Path::new) {
        seen.messages(files.stat(path).await);
        seen.messages(files.read(path, 1 << 40, 7).await);
        seen.messages(files.rename(path, "to").await);
        seen.messages(files.exists(path).await);
    }
    seen
}

#[tokio::test]
async fn files() {
    let there: FilesClient = served(FilesHandler::new(Disk::default())).await;
    assert_eq!(use_files(&Disk::default()).await, use_files(&there).await);
}
