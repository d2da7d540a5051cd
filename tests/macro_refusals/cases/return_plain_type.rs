use meshrpc::mesh_service;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Card;

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Card;
    async fn g(&self) -> Card;
}

fn main() {}
