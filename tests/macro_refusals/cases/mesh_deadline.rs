use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(deadline = "soon")]
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
