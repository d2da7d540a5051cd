use meshrpc::mesh_service;

#[mesh_service(types(Item = u8))]
pub trait Service<K, V = u8, const N: usize = 3> {
    type Item;
    type Error;
    async fn f(&self, value: K) -> Result<Self::Item, Self::Error>;
}

fn main() {}
