use meshrpc::mesh_service;

#[mesh_service]
pub trait Service {
    #[mesh(sticky = acount)]
    async fn f(&self, account: u64) -> Result<(), String>;
}

fn main() {}
