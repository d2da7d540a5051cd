use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    async fn f(&self, rows: impl Stream<Item = u8> + Send + 'static) -> Result<(), String>;
}

fn main() {}
