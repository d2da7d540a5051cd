use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, done: impl Fn(u8) + Send) -> Result<(), String>;
}

fn main() {}
