use meshrpc::mesh_service;

pub struct Item;

#[mesh_service(types(Item = Item))]
pub trait Service {
    type Item;
    async fn f(&self) -> Result<Self::Item, String>;
    async fn g(&self, items: &[Self::Item]) -> Result<Vec<Self::Item>, String>;
}

fn main() {}
