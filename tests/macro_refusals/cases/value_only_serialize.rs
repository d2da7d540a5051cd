use meshrpc::mesh_service;

#[derive(serde::Serialize)]
pub struct Row(u32);

#[mesh_service]
pub trait Service {
    async fn f(&self, row: Row) -> anyhow::Result<Option<Row>>;
}

fn main() {}
