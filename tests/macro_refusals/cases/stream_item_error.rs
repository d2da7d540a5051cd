use futures_util::Stream;
use meshrpc::mesh_service;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Broken;

#[mesh_service]
pub trait Service {
    fn f(&self) -> impl Stream<Item = Result<u8, Broken>> + Send;
}

fn main() {}
