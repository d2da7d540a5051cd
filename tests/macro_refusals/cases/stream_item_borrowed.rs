use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    fn f(&self) -> impl Stream<Item = Result<&str, String>> + Send;
}

fn main() {}
