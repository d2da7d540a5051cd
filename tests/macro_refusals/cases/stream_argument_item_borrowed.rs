use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    async fn f(&self, rows: impl Stream<Item = &'static str> + Send) -> Result<(), String>;
}

fn main() {}
