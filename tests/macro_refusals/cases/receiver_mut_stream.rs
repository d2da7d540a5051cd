use futures_util::Stream;
use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&mut self) -> Result<(), String>;
    fn g(&self) -> impl Stream<Item = Result<u8, String>> + Send;
}

fn main() {}
