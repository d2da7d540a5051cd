use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, #[mesh(raw)] bytes: Option<Vec<u8>>) -> Result<(), String>;
}

fn main() {}
