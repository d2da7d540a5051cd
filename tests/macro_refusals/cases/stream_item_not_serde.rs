use futures_util::Stream;
use meshrpc::mesh_service;

pub struct Row;

#[mesh_service]
pub trait Service {
    fn f(&self) -> impl Stream<Item = Result<Row, String>> + Send;
    async fn g(&self, rows: impl Stream<Item = Row> + Send) -> Result<(), String>;
}

fn main() {}
