use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, name: impl ToString + Send) -> Result<(), String>;
}

fn main() {}
