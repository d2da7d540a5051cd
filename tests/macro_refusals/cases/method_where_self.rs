use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Result<(), String>
    where
        Self: std::fmt::Display;
}

fn main() {}
