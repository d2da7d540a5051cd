use meshrpc::mesh_service;

#[mesh_service(generics(T = u8))]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
