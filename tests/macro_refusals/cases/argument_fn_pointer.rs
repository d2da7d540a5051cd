use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, done: fn(u8)) -> Result<(), String>;
}

fn main() {}
