use std::future::Future;

use meshrpc::mesh_service;

#[mesh_service]
pub trait Greeter {
    fn greet(&self, name: &str) -> impl Future<Output = ()> + Send;
}

fn main() {}
