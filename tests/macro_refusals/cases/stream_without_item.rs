use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    async fn f(&self, a: impl Stream + Send) -> Result<(), String>;
}

fn main() {}
