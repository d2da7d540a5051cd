use meshrpc::mesh_service;

#[mesh_service]
pub trait Greeter {
    fn greetings(&self) -> usize;
}

fn main() {}
