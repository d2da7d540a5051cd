use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&mut self) -> Result<(), String>;
}

fn main() {}
