use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async unsafe fn f(&self) -> Result<(), String>;
}

fn main() {}
