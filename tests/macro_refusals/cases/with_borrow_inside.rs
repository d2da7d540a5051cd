use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, #[mesh(with = numbers)] number: Option<&u64>) -> Result<(), String>;
}

fn main() {}
