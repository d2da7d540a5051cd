use meshrpc::mesh_service;

#[mesh_service(dyn(forwards = false))]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
