use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    async fn f(&self, names: Option<Option<&[&str]>>) -> Result<(), String>;
}

fn main() {}
