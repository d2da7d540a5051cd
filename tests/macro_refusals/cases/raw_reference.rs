use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, #[mesh(raw)] text: &str) -> Result<(), String>;
}

fn main() {}
