use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, #[mesh(raw)] numbers: Vec<u64>) -> Result<(), String>;
}

fn main() {}
