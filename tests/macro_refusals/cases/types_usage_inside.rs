use meshrpc::mesh_service;

#[mesh_service(types(Error: String))]
pub trait Service {
    type Error;
    async fn f(&self) -> Result<(), Self::Error>;
}

fn main() {}
