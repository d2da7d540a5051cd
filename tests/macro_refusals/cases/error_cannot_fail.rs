use meshrpc::mesh_service;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub enum Closed {
    NotFound,
}

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Result<u8, Closed>;
    async fn g(&self) -> Result<u16, Closed>;
}

fn main() {}
