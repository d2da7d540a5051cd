use meshrpc::mesh_service;

#[mesh_service]
pub struct Service;

fn main() {}
