use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Result<impl Stream<Item = Vec<u8>> + Send, String>;
}

fn main() {}
