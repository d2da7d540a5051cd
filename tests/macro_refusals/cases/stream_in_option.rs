use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    async fn f(&self, rows: Option<impl Stream<Item = u8> + Send>) -> Result<(), String>;
}

fn main() {}
