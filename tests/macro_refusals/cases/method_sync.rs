use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    fn f(&self) -> Result<(), String>;
}

fn main() {}
