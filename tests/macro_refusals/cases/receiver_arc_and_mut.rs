use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(self: std::sync::Arc<Self>) -> Result<(), String>;
    async fn g(&mut self) -> Result<(), String>;
}

fn main() {}
