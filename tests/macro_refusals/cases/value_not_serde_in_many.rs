use std::{cell::RefCell, collections::HashMap};

use futures_util::Stream;
use meshrpc::mesh_service;

pub struct Row(u32);

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Page<T>(Vec<T>);

#[mesh_service]
pub trait Service {
    async fn owned(&self, row: Row) -> anyhow::Result<Row>;
    async fn borrowed(&self, row: &Row) -> anyhow::Result<Vec<Row>>;
    async fn optional(&self, row: Option<Row>) -> anyhow::Result<Box<Row>>;
    async fn array(&self, rows: [Row; 3]) -> anyhow::Result<[Row; 2]>;
    async fn slice(&self, rows: &[Row]) -> anyhow::Result<(u32, Row)>;
    async fn map(&self, rows: HashMap<String, Row>) -> anyhow::Result<Box<[Row]>>;
    async fn page(&self, page: Page<Row>) -> anyhow::Result<Page<Option<Row>>>;
    async fn cell(&self, row: RefCell<Row>, result: Result<Row, String>) -> anyhow::Result<()>;
    async fn result(&self, row: Row) -> Result<Row, String>;
    async fn into(&self, row: impl Into<Row> + Send) -> anyhow::Result<()>;
    async fn take(&self, rows: impl Stream<Item = Row> + Send + 'static) -> anyhow::Result<()>;
    fn give(&self) -> impl Stream<Item = anyhow::Result<Row>> + Send + 'static;
}

fn main() {}
