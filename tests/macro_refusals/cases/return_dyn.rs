use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Result<Box<dyn std::fmt::Debug + Send>, String>;
}

fn main() {}
