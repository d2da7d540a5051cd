#[derive(Debug, meshrpc::MeshError)]
pub enum Failure {
    NoPage,
    Closed,
}

#[meshrpc::mesh_service]
pub trait Pages {
    async fn page(&self) -> Result<u64, Failure>;
    async fn close(&self) -> Result<(), Failure>;
}

fn main() {}
