use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(raw, with = packed)]
    async fn f(&self) -> Result<Vec<u8>, String>;
}

fn main() {}
