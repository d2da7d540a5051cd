use meshrpc::mesh_service;

#[mesh_service]
trait Desk {
    #[mesh(sticky)]
    async fn charge(&self, account: u64) -> anyhow::Result<()>;
    #[mesh(deadline = 500)]
    async fn rates(&self) -> anyhow::Result<()>;
    #[mesh(name = charge_all)]
    async fn all(&self) -> anyhow::Result<()>;
}

fn main() {}
