use meshrpc::mesh_service;

#[mesh_service(dyn(forward = no))]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
