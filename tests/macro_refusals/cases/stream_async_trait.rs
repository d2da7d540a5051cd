use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
#[async_trait::async_trait]
pub trait Service {
    async fn f(&self) -> Result<impl Stream<Item = Result<u8, String>> + Send, String>;
}

fn main() {}
