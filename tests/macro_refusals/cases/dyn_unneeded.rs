use meshrpc::mesh_service;

#[mesh_service(dyn)]
pub trait Service {
    fn f(&self) -> Result<(), String>;
}

fn main() {}
