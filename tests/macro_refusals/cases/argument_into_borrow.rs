use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, name: impl Into<Option<&'static u8>>) -> Result<(), String>;
}

fn main() {}
