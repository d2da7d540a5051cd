use meshrpc::mesh_service;

pub trait Stream {
    type Item;
}

#[mesh_service]
pub trait Service {
    #[mesh(run_to_completion)]
    fn f(&self) -> impl Stream<Item = Result<u8, String>> + Send;
}

fn main() {}
