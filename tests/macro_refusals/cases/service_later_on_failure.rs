use meshrpc::mesh_service;

#[mesh_service(on_failure = panic)]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
