use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
    #[mesh(name = "f")]
    async fn g(&self) -> Result<(), String>;
}

fn main() {}
