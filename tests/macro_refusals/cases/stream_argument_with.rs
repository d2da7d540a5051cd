use futures_util::Stream;
use meshrpc::mesh_service;

mod row {}

#[mesh_service]
pub trait Service {
    async fn f(&self, #[mesh(with = row)] rows: impl Stream<Item = u32> + Send + 'static) -> anyhow::Result<()>;
}

fn main() {}
