use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(sticky = number)]
    async fn f(&self, #[mesh(with = numbers)] number: u64) -> Result<(), String>;
}

fn main() {}
