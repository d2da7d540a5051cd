use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(self: &std::sync::Arc<Self>) -> Result<(), String>;
}

fn main() {}
