use meshrpc::mesh_service;

#[mesh_service(supertraits = manual)]
pub trait Service: std::fmt::Display {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
