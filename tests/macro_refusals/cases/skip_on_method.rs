use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(skip = 1)]
    async fn f(&self, number: u64) -> Result<(), String>;
}

fn main() {}
