use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, name: &'static str) -> Result<(), String>;
}

fn main() {}
