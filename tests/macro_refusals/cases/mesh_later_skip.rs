use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(skip = 1)]
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
