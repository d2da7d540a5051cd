use meshrpc::mesh_service;

#[mesh_service(types(Error = String))]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
