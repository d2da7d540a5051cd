use std::future::Ready;

use meshrpc::mesh_service;

#[mesh_service]
pub trait Greeter {
    fn greet(&self, name: &str) -> Ready<anyhow::Result<String>>;
}

fn main() {}
