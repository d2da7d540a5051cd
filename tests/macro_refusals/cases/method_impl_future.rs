use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    fn f(&self) -> impl Future<Output = Result<(), String>> + Send;
}

fn main() {}
