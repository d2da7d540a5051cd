use meshrpc::mesh_service;

macro_rules! more {
    () => {};
}

#[mesh_service]
pub trait Service {
    more!();
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
