use futures_util::Stream;
use meshrpc::mesh_service;

mod row {}

#[mesh_service]
pub trait Service {
    #[mesh(with = row)]
    fn f(&self) -> impl Stream<Item = anyhow::Result<u32>> + Send + 'static;
}

fn main() {}
