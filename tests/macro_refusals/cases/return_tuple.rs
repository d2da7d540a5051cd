use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self) -> (u8, u8);
}

fn main() {}
