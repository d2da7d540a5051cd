use meshrpc::mesh_service;

#[mesh_service(exposed(folder = "a"))]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
