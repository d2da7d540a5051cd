use meshrpc::mesh_service;

#[mesh_service]
pub unsafe trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
