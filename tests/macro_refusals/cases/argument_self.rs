use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, other: Self) -> Result<(), String>;
}

fn main() {}
