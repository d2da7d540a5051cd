use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, #[mesh(name = "n")] now: u64) -> Result<(), String>;
}

fn main() {}
