use meshrpc::mesh_service;

#[mesh_service(exposed(prefix = "a b"))]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
