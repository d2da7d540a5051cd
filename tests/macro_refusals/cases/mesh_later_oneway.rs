use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(oneway)]
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
