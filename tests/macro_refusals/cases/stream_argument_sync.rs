use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    fn f(&self, a: impl Stream<Item = u8> + Send) -> Result<(), String>;
}

fn main() {}
