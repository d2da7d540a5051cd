use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(sticky = rate)]
    async fn f(&self, rate: f64) -> Result<(), String>;
}

fn main() {}
