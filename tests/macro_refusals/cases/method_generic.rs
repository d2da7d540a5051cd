use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f<T: Send>(&self, value: T) -> Result<(), String>;
}

fn main() {}
