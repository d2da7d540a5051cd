use meshrpc::mesh_service;

#[mesh_service(dyn)]
#[async_trait::async_trait]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
