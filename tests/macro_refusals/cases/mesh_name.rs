use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(name = "a/b")]
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
