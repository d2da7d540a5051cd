//! Caches, logs, counters, documents.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt, io,
    str::Utf8Error,
    time::Duration,
};

use async_trait::async_trait;
use meshrpc::{MeshError, mesh_service};
use serde::de::DeserializeOwned;

use crate::harness::{Calls, Transcript, fails, served};

/// Plain data.
#[derive(Debug, PartialEq, thiserror::Error, MeshError)]
pub enum CacheError {
    #[error("{size} bytes are too many")]
    TooLarge { size: u64 },
    #[error("evicted")]
    Evicted,
    #[error("down: {0}")]
    #[mesh(transport)]
    Down(String),
}

impl From<meshrpc::Error> for CacheError {
    fn from(error: meshrpc::Error) -> Self {
        Self::Down(error.to_string())
    }
}

fails!(CacheError: made =>
    Self::TooLarge { size: made.number() },
    Self::Evicted,
);

/// A cache, with typed access built on its bytes.
#[mesh_service]
#[async_trait]
pub trait Cache: Send + Sync {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError>;
    async fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>)
    -> Result<bool, CacheError>;
    async fn touch(&self, keys: &[&str], ttl: Duration) -> Result<u32, CacheError>;
    async fn get_as<T: DeserializeOwned + Send>(&self, key: &str) -> Result<Option<T>, CacheError>
    where
        Self: Sized,
    {
        let bytes = self.get(key).await?.unwrap_or_default();
        Ok(serde_json::from_slice(&bytes).ok())
    }
}

#[async_trait]
impl Cache for Calls {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        let made = self.answer::<u64, CacheError>("get", &[&key])?;
        Ok(Some(made.to_string().into_bytes()))
    }
    async fn set(
        &self,
        key: &str,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, CacheError> {
        self.answer("set", &[&key, &value, &ttl])
    }
    async fn touch(&self, keys: &[&str], ttl: Duration) -> Result<u32, CacheError> {
        self.answer("touch", &[&keys, &ttl])
    }
}

async fn use_cache(cache: &impl Cache) -> Transcript {
    let mut seen = Transcript::default();
    for n in 0..5 {
        seen.result(cache.get(&seen.text()).await);
        seen.result(cache.set(&seen.text(), &[n], seen.give()).await);
        seen.result(cache.touch(&[&seen.text(), "b"], seen.give()).await);
        seen.result(cache.get_as::<u64>(&seen.text()).await);
    }
    seen
}

#[tokio::test]
async fn cache() {
    let there: CacheClient = served(CacheHandler::new(Calls::default())).await;
    let here = use_cache(&Calls::default()).await;
    assert_eq!(here, use_cache(&there).await);
}

/// Of the log: what a line was, and what the disk did.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("offset {0} is gone")]
    Gone(u64),
    #[error("the record is no text")]
    Text(#[source] Utf8Error),
    #[error("the disk failed")]
    Disk(#[from] io::Error),
}

fails!(LogError: made =>
    Self::Gone(made.number()),
    Self::Text(String::from_utf8(vec![255]).expect_err("no text").utf8_error()),
    Self::Disk(made.io()),
);

/// A log of records, in partitions.
#[mesh_service]
#[async_trait]
pub trait RecordLog: Send + Sync {
    async fn append(
        &self,
        topic: String,
        partition: u32,
        records: &[Vec<u8>],
    ) -> Result<u64, LogError>;
    async fn read(
        &self,
        topic: String,
        partition: u32,
        offset: u64,
        max: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, LogError>;
    async fn commit(&self, group: String, offsets: BTreeMap<u32, u64>) -> Result<(), LogError>;
    async fn lag(
        &self,
        group: String,
        topics: Vec<String>,
    ) -> Result<BTreeMap<String, u64>, LogError>;
    #[mesh(local)]
    fn codec(&self) -> &'static str {
        "plain"
    }
}

#[async_trait]
impl RecordLog for Calls {
    async fn append(
        &self,
        topic: String,
        partition: u32,
        records: &[Vec<u8>],
    ) -> Result<u64, LogError> {
        self.answer("append", &[&topic, &partition, &records])
    }
    async fn read(
        &self,
        topic: String,
        partition: u32,
        offset: u64,
        max: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, LogError> {
        self.answer("read", &[&topic, &partition, &offset, &max])
    }
    async fn commit(&self, group: String, offsets: BTreeMap<u32, u64>) -> Result<(), LogError> {
        self.answer("commit", &[&group, &offsets])
    }
    async fn lag(
        &self,
        group: String,
        topics: Vec<String>,
    ) -> Result<BTreeMap<String, u64>, LogError> {
        self.answer("lag", &[&group, &topics])
    }
}

async fn use_record_log(log: &dyn RecordLog) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(
            log.append(seen.give(), seen.give(), &[seen.give(), seen.give()])
                .await,
        );
        seen.wrapped(
            log.read(seen.give(), seen.give(), seen.give(), seen.give())
                .await,
        );
        seen.wrapped(log.commit(seen.give(), seen.give()).await);
        seen.wrapped(log.lag(seen.give(), seen.give()).await);
        seen.note(log.codec());
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn record_log() {
    let there: RecordLogClient = served(RecordLogHandler::new(Calls::default())).await;
    let here = use_record_log(&Calls::default()).await;
    assert_eq!(here, use_record_log(&there).await);
}

/// Counters and gauges: nobody waits for them.
#[mesh_service]
#[async_trait]
pub trait Metrics: Send + Sync {
    #[mesh(on_failure = default)]
    async fn add(&self, name: String, by: u64, labels: Vec<(String, String)>);
    #[mesh(on_failure = default)]
    async fn gauge(&self, name: String, value: f64);
    #[mesh(on_failure = default)]
    async fn snapshot(&self) -> BTreeMap<String, f64>;
    #[mesh(on_failure = default)]
    fn names(&self, prefix: Option<String>) -> BTreeSet<String>;
}

#[async_trait]
impl Metrics for Calls {
    async fn add(&self, name: String, by: u64, labels: Vec<(String, String)>) {
        self.value("add", &[&name, &by, &labels])
    }
    async fn gauge(&self, name: String, value: f64) {
        self.value("gauge", &[&name, &value])
    }
    async fn snapshot(&self) -> BTreeMap<String, f64> {
        self.value("snapshot", &[])
    }
    fn names(&self, prefix: Option<String>) -> BTreeSet<String> {
        self.value("names", &[&prefix])
    }
}

async fn use_metrics(metrics: &dyn Metrics) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        metrics.add(seen.give(), seen.give(), seen.give()).await;
        metrics.gauge(seen.give(), seen.give()).await;
        seen.note(metrics.snapshot().await);
        seen.note(metrics.names(seen.give()));
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics() {
    let there: MetricsClient = served(MetricsHandler::new(Calls::default())).await;
    let here = use_metrics(&Calls::default()).await;
    assert_eq!(here, use_metrics(&there).await);
}

/// A graph of nodes with names.
#[mesh_service]
pub trait Graph: Send + Sync {
    fn edges(
        &self,
        from: String,
        kinds: Vec<String>,
    ) -> impl Future<Output = Result<Vec<(String, f64)>, LogError>> + Send;
    fn connect(
        &self,
        from: String,
        to: String,
        weight: f64,
    ) -> impl Future<Output = Result<bool, LogError>> + Send;
    fn path(
        &self,
        from: String,
        to: String,
    ) -> impl Future<Output = Result<Option<Vec<String>>, LogError>> + Send;
}

impl Graph for Calls {
    async fn edges(
        &self,
        from: String,
        kinds: Vec<String>,
    ) -> Result<Vec<(String, f64)>, LogError> {
        self.answer("edges", &[&from, &kinds])
    }
    async fn connect(&self, from: String, to: String, weight: f64) -> Result<bool, LogError> {
        self.answer("connect", &[&from, &to, &weight])
    }
    async fn path(&self, from: String, to: String) -> Result<Option<Vec<String>>, LogError> {
        self.answer("path", &[&from, &to])
    }
}

async fn use_graph(graph: &impl Graph) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(graph.edges(seen.give(), seen.give()).await);
        seen.wrapped(graph.connect(seen.give(), seen.give(), seen.give()).await);
        seen.wrapped(graph.path(seen.give(), seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn graph() {
    let there: GraphClient = served(GraphHandler::new(Calls::default())).await;
    let here = use_graph(&Calls::default()).await;
    assert_eq!(here, use_graph(&there).await);
}

/// Documents, whose errors each program chooses.
#[mesh_service(types(Failure = anyhow::Error))]
#[async_trait]
pub trait Documents: Send + Sync {
    type Failure: fmt::Display;
    async fn load(
        &self,
        id: String,
        revision: Option<u64>,
    ) -> Result<HashMap<String, String>, Self::Failure>;
    async fn save(&self, id: String, fields: HashMap<String, String>)
    -> Result<u64, Self::Failure>;
    async fn revisions(&self, id: String) -> Result<Vec<u64>, Self::Failure>;
}

#[async_trait]
impl Documents for Calls {
    type Failure = anyhow::Error;
    async fn load(
        &self,
        id: String,
        revision: Option<u64>,
    ) -> Result<HashMap<String, String>, anyhow::Error> {
        self.answer("load", &[&id, &revision])
    }
    async fn save(
        &self,
        id: String,
        fields: HashMap<String, String>,
    ) -> Result<u64, anyhow::Error> {
        self.answer("save", &[&id, &fields])
    }
    async fn revisions(&self, id: String) -> Result<Vec<u64>, anyhow::Error> {
        self.answer("revisions", &[&id])
    }
}

async fn use_documents(documents: &impl Documents<Failure = anyhow::Error>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.messages(documents.load(seen.give(), seen.give()).await);
        seen.messages(documents.save(seen.give(), seen.give()).await);
        seen.messages(documents.revisions(seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn documents() {
    let there: DocumentsClient = served(DocumentsHandler::new(Calls::default())).await;
    let here = use_documents(&Calls::default()).await;
    assert_eq!(here, use_documents(&there).await);
}
