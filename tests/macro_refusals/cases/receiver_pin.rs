use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(self: std::pin::Pin<&mut Self>) -> Result<(), String>;
}

fn main() {}
