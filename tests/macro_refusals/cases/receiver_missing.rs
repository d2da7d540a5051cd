use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(id: u64) -> Result<(), String>;
}

fn main() {}
