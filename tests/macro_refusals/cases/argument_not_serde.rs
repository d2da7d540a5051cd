use meshrpc::mesh_service;

pub struct Row;

#[mesh_service]
pub trait Service {
    async fn f(&self, row: Row) -> Result<(), String>;
    async fn g(&self, row: &Row, rows: Vec<Row>) -> Result<(), String>;
}

fn main() {}
