use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(inline)]
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
