use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, name: &std::ffi::OsStr) -> Result<(), String>;
}

fn main() {}
