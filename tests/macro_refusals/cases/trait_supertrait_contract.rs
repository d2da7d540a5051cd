use meshrpc::mesh_service;

#[mesh_service]
pub trait Base {
    async fn f(&self) -> Result<(), String>;
}

#[mesh_service]
pub trait Service: Base {
    async fn g(&self) -> Result<(), String>;
}

fn main() {}
