use futures_util::future::BoxFuture;
use meshrpc::mesh_service;

#[mesh_service]
pub trait Greeter {
    fn greet(&self, names: &[&str]) -> BoxFuture<'_, anyhow::Result<String>>;
}

fn main() {}
