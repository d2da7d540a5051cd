use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(self: Box<Self>) -> Result<(), String>;
}

fn main() {}
