use meshrpc::mesh_service;

#[mesh_service(dyn)]
pub trait Service: Clone {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
