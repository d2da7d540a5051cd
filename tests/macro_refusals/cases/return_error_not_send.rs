use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Result<u8, Box<dyn std::error::Error>>;
}

fn main() {}
