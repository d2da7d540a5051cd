use meshrpc::mesh_service;

pub struct Card;
pub type Reply = Result<Card, String>;

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Reply;
}

fn main() {}
