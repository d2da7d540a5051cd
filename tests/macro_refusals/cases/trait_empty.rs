use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    const LIMIT: u8 = 1;
}

fn main() {}
