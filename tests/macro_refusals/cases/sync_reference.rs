use meshrpc::mesh_service;

#[mesh_service]
pub trait Greeter {
    fn greeting(&self) -> Result<&str, meshrpc::Error>;
}

fn main() {}
