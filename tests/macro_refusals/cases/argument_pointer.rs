use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, at: *const u8) -> Result<(), String>;
}

fn main() {}
