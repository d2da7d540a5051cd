use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    fn f(&self) -> std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;
}

fn main() {}
