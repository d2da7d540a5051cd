use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(raw)]
    async fn f(&self) -> Result<String, String>;
}

fn main() {}
