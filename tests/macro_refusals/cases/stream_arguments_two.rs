use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    async fn f(&self, a: impl Stream<Item = u8> + Send, b: impl Stream<Item = u8> + Send) -> Result<(), String>;
}

fn main() {}
