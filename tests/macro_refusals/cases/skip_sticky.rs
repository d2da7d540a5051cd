use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(sticky = number)]
    async fn f(&self, #[mesh(skip = 1)] number: u64, account: u64) -> Result<(), String>;
}

fn main() {}
