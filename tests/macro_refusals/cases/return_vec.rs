use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Vec<u8>;
}

fn main() {}
