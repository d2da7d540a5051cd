use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(run_to_completion)]
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
