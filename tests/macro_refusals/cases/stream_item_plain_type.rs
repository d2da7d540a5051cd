use futures_util::Stream;
use meshrpc::mesh_service;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Row;

#[mesh_service]
pub trait Service {
    fn f(&self) -> impl Stream<Item = Row> + Send;
}

fn main() {}
