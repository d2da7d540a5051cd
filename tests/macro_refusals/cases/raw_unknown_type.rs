use meshrpc::mesh_service;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Blob(Vec<u8>);

#[mesh_service]
pub trait Service {
    #[mesh(raw)]
    async fn f(&self, #[mesh(raw)] blob: Blob) -> Result<Vec<u8>, String>;
}

fn main() {}
