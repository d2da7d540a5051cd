use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(idempotent)]
    #[mesh(idempotent)]
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
