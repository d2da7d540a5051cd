use meshrpc::mesh_service;

pub struct Card;

#[mesh_service]
pub trait Service {
    async fn f(&self) -> anyhow::Result<Card>;
    async fn g(&self) -> Result<Card, String>;
}

fn main() {}
