use meshrpc::mesh_service;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Card(u8);

#[mesh_service(on_failure = default)]
pub trait Service {
    async fn first(&self) -> Card;
    async fn again(&self, hand: Vec<Card>) -> Card;
}

fn main() {}
