use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(sticky = account)]
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
