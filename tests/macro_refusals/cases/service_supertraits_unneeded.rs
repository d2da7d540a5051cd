use meshrpc::mesh_service;

#[mesh_service(supertraits = manual)]
pub trait Service: Clone {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
