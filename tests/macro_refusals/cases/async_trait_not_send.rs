use meshrpc::mesh_service;

#[mesh_service]
#[async_trait::async_trait(?Send)]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
