use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    async fn f<'a>(&self, rows: impl Stream<Item = &'a str> + Send) -> Result<(), String>;
}

fn main() {}
