use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    const LIMIT: u8;
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
