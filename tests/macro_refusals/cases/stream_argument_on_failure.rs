use futures_util::Stream;
use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(on_failure = default)]
    async fn f(&self, rows: impl Stream<Item = u32> + Send + 'static) -> u32;
}

fn main() {}
