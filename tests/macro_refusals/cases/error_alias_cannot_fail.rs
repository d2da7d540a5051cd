use meshrpc::mesh_service;

#[derive(Debug)]
pub struct Closed;
pub type Answer<T> = Result<T, Closed>;

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Answer<u8>;
    async fn g(&self) -> Answer<u16>;
}

fn main() {}
