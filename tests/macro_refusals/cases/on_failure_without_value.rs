use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(on_failure)]
    async fn f(&self) -> u32;
}

fn main() {}
