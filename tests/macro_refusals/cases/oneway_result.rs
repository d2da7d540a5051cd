use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(oneway)]
    async fn f(&self) -> Result<u8, String>;
}

fn main() {}
