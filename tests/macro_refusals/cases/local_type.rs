use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(local = 1)]
    fn label(&self) -> &str;
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
