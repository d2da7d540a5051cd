use meshrpc::mesh_service;

#[mesh_service(supertraits = derived)]
pub trait Service: std::fmt::Display {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
