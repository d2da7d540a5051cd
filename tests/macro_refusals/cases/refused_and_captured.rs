use std::future::Future;

use meshrpc::mesh_service;

#[mesh_service]
pub trait Archive {
    fn page(&self, number: u64) -> impl Future<Output = anyhow::Result<String>> + Send + use<Self>;
    async fn watch(&self, on: impl Fn(u32)) -> anyhow::Result<()>;
}

fn main() {}
