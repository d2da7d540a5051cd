use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    fn f(&self) -> impl Stream<Item = u8> + Send;
}

fn main() {}
