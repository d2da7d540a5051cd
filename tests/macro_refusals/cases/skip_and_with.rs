use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, #[mesh(skip = 1, with = numbers)] number: u64) -> Result<(), String>;
}

fn main() {}
