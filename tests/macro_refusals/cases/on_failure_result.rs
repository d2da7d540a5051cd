use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(on_failure = panic)]
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
