use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Result<impl Stream<Item = Result<u8, String>>, String>;
}

fn main() {}
