use meshrpc::mesh_service;

#[mesh_service]
pub trait Service<const N: usize> {
    async fn f(&self, value: [u8; N]) -> Result<(), String>;
}

fn main() {}
