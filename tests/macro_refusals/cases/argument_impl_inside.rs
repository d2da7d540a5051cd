use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, names: Vec<impl Into<String>>) -> Result<(), String>;
}

fn main() {}
