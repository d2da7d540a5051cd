use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self) -> u32;
}

fn main() {}
