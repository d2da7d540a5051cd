use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async extern "C" fn f(&self) -> Result<(), String>;
}

fn main() {}
