use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, clock: &dyn std::fmt::Debug) -> Result<(), String>;
}

fn main() {}
