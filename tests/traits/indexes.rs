//! Indexes of texts and of vectors.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use async_trait::async_trait;
use meshrpc::{MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Transcript, fails, served};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Query {
    All,
    Term { field: String, value: String },
    Range(String, i64, i64),
    Not(Box<Query>),
    And(Vec<Query>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    pub id: String,
    pub score: f32,
    pub fields: BTreeMap<String, String>,
}

#[derive(Debug, thiserror::Error, MeshError)]
pub enum SearchError {
    #[error("`{0}` is no query")]
    #[mesh(status = invalid_argument)]
    Syntax(String),
    #[error("no index {0}")]
    NoIndex(String),
    #[error("segment {segment} is damaged")]
    Segment {
        segment: u32,
        #[source]
        cause: io::Error,
    },
    #[error("not found out")]
    #[mesh(transport)]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fails!(SearchError: made =>
    Self::Syntax(made.text()),
    Self::NoIndex(made.text()),
    Self::Segment { segment: made.number() as u32, cause: made.io() },
);

/// A full text index.
#[mesh_service]
#[async_trait]
pub trait SearchIndex: Send + Sync {
    async fn add(&self, id: String, fields: BTreeMap<String, String>) -> Result<u64, SearchError>;
    async fn search(&self, query: Query, from: usize, size: usize)
    -> Result<Vec<Hit>, SearchError>;
    async fn suggest(
        &self,
        prefix: String,
        limit: Option<u8>,
    ) -> Result<BTreeSet<String>, SearchError>;
    async fn delete_by(&self, query: Query) -> Result<u64, SearchError>;
    async fn commit(&self) -> Result<(), SearchError>;
    fn size(&self) -> Result<u64, SearchError>;
}

#[async_trait]
impl SearchIndex for Calls {
    async fn add(&self, id: String, fields: BTreeMap<String, String>) -> Result<u64, SearchError> {
        self.answer("add", &[&id, &fields])
    }
    async fn search(
        &self,
        query: Query,
        from: usize,
        size: usize,
    ) -> Result<Vec<Hit>, SearchError> {
        self.answer("search", &[&query, &from, &size])
    }
    async fn suggest(
        &self,
        prefix: String,
        limit: Option<u8>,
    ) -> Result<BTreeSet<String>, SearchError> {
        self.answer("suggest", &[&prefix, &limit])
    }
    async fn delete_by(&self, query: Query) -> Result<u64, SearchError> {
        self.answer("delete_by", &[&query])
    }
    async fn commit(&self) -> Result<(), SearchError> {
        self.answer("commit", &[])
    }
    fn size(&self) -> Result<u64, SearchError> {
        self.answer("size", &[])
    }
}

async fn use_search_index(index: Arc<dyn SearchIndex>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..5 {
        seen.variant(index.add(seen.give(), seen.give()).await);
        seen.variant(index.search(seen.give(), seen.give(), seen.give()).await);
        seen.variant(index.suggest(seen.give(), seen.give()).await);
        seen.variant(index.delete_by(seen.give()).await);
        seen.variant(index.commit().await);
        seen.variant(index.size());
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn search_index() {
    let there: SearchIndexClient = served(SearchIndexHandler::new(Calls::default())).await;
    let here = use_search_index(Arc::new(Calls::default())).await;
    assert_eq!(here, use_search_index(Arc::new(there)).await);
}

/// An index of vectors.
#[mesh_service]
#[async_trait]
pub trait VectorIndex: Send + Sync {
    async fn upsert(&self, points: Vec<(u64, Vec<f32>)>, wait: bool) -> Result<usize, SearchError>;
    async fn nearest(
        &self,
        to: Vec<f32>,
        count: usize,
        filter: Option<Query>,
    ) -> Result<Vec<(u64, f32)>, SearchError>;
    async fn remove(&self, ids: Vec<u64>) -> Result<(), SearchError>;
    async fn drop_all(&self) -> Result<u64, SearchError>;
}

#[async_trait]
impl VectorIndex for Calls {
    async fn upsert(&self, points: Vec<(u64, Vec<f32>)>, wait: bool) -> Result<usize, SearchError> {
        self.answer("upsert", &[&points, &wait])
    }
    async fn nearest(
        &self,
        to: Vec<f32>,
        count: usize,
        filter: Option<Query>,
    ) -> Result<Vec<(u64, f32)>, SearchError> {
        self.answer("nearest", &[&to, &count, &filter])
    }
    async fn remove(&self, ids: Vec<u64>) -> Result<(), SearchError> {
        self.answer("remove", &[&ids])
    }
    async fn drop_all(&self) -> Result<u64, SearchError> {
        self.answer("drop_all", &[])
    }
}

async fn use_vector_index(vectors: Box<dyn VectorIndex>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..5 {
        seen.variant(vectors.upsert(seen.give(), seen.give()).await);
        seen.variant(vectors.nearest(seen.give(), seen.give(), seen.give()).await);
        seen.variant(vectors.remove(seen.give()).await);
        seen.variant(vectors.drop_all().await);
    }
    seen
}

#[tokio::test]
async fn vector_index() {
    let there: VectorIndexClient = served(VectorIndexHandler::new(Calls::default())).await;
    let here = use_vector_index(Box::new(Calls::default())).await;
    assert_eq!(here, use_vector_index(Box::new(there)).await);
}
