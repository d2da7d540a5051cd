use meshrpc::mesh_service;

#[derive(Debug)]
pub enum Failure {
    NoPage(u64),
    Database(std::fmt::Error),
}

#[mesh_service]
pub trait Pages {
    async fn page(&self, number: u64) -> Result<String, Failure>;
    async fn close(&self) -> Result<(), Failure>;
}

fn main() {}
