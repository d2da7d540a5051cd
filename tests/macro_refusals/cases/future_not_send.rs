use std::{future::Future, pin::Pin};

use meshrpc::mesh_service;

#[mesh_service]
pub trait Greeter {
    fn greet(&self) -> Pin<Box<dyn Future<Output = anyhow::Result<String>> + '_>>;
}

fn main() {}
