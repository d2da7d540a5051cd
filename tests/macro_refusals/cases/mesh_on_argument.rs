use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, #[mesh(skip = now())] now: u64) -> Result<(), String>;
}

fn main() {}
