use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, later: impl Future<Output = u8> + Send) -> Result<(), String>;
}

fn main() {}
