use meshrpc::mesh_service;

#[mesh_service(dyn)]
pub trait Service {
    async fn f(&self) -> Result<(), String>
    where
        Self: Sized;
}

fn main() {}
