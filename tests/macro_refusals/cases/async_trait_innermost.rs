use meshrpc::mesh_service;

#[async_trait::async_trait]
#[mesh_service]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
