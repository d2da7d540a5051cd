use meshrpc::mesh_service;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Blob(Vec<u8>);
pub type Fetched = Result<Blob, String>;

#[mesh_service]
pub trait Service {
    #[mesh(raw)]
    async fn f(&self) -> Fetched;
}

fn main() {}
