use std::{future::Future, pin::Pin};

use meshrpc::mesh_service;

pub type BoxedFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

#[mesh_service]
pub trait Database {
    fn save(&self, row: u64) -> BoxedFuture<'_, Result<(), std::io::Error>>;
}

fn main() {}
