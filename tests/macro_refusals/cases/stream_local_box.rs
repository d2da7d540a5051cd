use std::pin::Pin;

use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;
pub type LocalBoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + 'a>>;

#[mesh_service]
pub trait Service {
    fn f(&self) -> LocalBoxStream<'static, Result<u8, String>>;
}

fn main() {}
