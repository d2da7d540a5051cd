use meshrpc::mesh_service;

#[derive(serde::Deserialize)]
pub struct Row(u32);

#[mesh_service]
pub trait Service {
    async fn f(&self, row: Row) -> anyhow::Result<Box<Row>>;
}

fn main() {}
