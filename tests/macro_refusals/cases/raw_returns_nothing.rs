use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(raw, oneway)]
    async fn f(&self, bytes: Vec<u8>);
}

fn main() {}
