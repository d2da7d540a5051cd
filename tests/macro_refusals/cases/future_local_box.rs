use futures_util::future::LocalBoxFuture;
use meshrpc::mesh_service;

#[mesh_service]
pub trait Greeter {
    fn greet(&self) -> LocalBoxFuture<'_, anyhow::Result<String>>;
}

fn main() {}
