use meshrpc::mesh_service;

#[mesh_service(generics(Error = String))]
pub trait Service {
    type Error;
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
