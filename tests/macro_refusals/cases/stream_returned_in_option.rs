use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Result<Option<impl Stream<Item = Result<u8, String>> + Send>, String>;
}

fn main() {}
