use futures_util::Stream;
use meshrpc::mesh_service;

#[mesh_service(dyn)]
pub trait Service {
    fn f(&self, topic: &str) -> impl Stream<Item = Result<u8, String>> + Send;
}

fn main() {}
