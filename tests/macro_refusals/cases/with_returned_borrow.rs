use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(with = numbers)]
    async fn f(&self) -> &u64;
}

fn main() {}
