use meshrpc::mesh_service;

#[mesh_service]
pub trait Service<T> {
    async fn f(&self, value: u8) -> Result<(), String>;
}

fn main() {}
