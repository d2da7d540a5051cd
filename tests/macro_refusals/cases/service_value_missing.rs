use meshrpc::mesh_service;

#[mesh_service(crate = "meshrpc")]
trait Greeter {
    async fn greet(&self) -> anyhow::Result<()>;
}

#[mesh_service(exposed = true)]
trait Desk {
    async fn greet(&self) -> anyhow::Result<()>;
}

fn main() {}
