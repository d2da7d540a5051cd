use std::{error::Error, future::Future};

use meshrpc::mesh_service;

#[mesh_service]
pub trait Greeter {
    fn greet(&self) -> impl Future<Output = Result<String, Box<dyn Error>>>;
}

fn main() {}
