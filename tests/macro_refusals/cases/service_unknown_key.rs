use meshrpc::mesh_service;

#[mesh_service(nmae = "x")]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
