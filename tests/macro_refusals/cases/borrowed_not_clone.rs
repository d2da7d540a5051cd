use meshrpc::mesh_service;

#[derive(serde::Serialize, serde::Deserialize)]
struct Card(u8);

#[mesh_service]
trait Desk {
    async fn send(&self, cards: &[(&str, Card)]) -> anyhow::Result<()>;
}

fn main() {}
