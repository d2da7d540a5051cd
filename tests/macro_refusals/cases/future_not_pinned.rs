use std::future::Future;

use meshrpc::mesh_service;

#[mesh_service]
pub trait Greeter {
    fn greet(&self) -> Box<dyn Future<Output = anyhow::Result<String>> + Send + Unpin + '_>;
}

fn main() {}
