use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(raw)]
    fn f(&self) -> impl futures_util::Stream<Item = Result<Vec<u8>, String>> + Send;
}

fn main() {}
