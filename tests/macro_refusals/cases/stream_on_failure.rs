use futures_util::Stream;
use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(on_failure = default)]
    fn f(&self) -> impl Stream<Item = anyhow::Result<u32>> + Send + 'static;
}

fn main() {}
