use meshrpc::mesh_service;

pub struct Card(u8);

#[mesh_service(on_failure = panic)]
pub trait Service {
    async fn first(&self) -> Card;
    fn again(&self, hand: Vec<Card>) -> Option<Card>;
}

fn main() {}
