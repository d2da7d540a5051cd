use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, name: impl AsRef<String> + Send) -> Result<(), String>;
}

fn main() {}
