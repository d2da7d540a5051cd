use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(oneway = true)]
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
