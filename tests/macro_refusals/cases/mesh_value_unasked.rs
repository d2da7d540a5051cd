use meshrpc::mesh_service;

#[mesh_service]
trait Desk {
    #[mesh(idempotent = true)]
    async fn balance(&self, account: u64) -> anyhow::Result<()>;
    #[mesh("balance_of")]
    async fn of(&self, account: u64) -> anyhow::Result<()>;
}

fn main() {}
