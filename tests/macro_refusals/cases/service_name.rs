use meshrpc::mesh_service;

#[mesh_service(name = "")]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
