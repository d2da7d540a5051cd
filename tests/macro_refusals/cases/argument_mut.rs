use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, out: &mut String) -> Result<(), String>;
}

fn main() {}
