use meshrpc::mesh_service;

pub struct Row<'a>(pub &'a str);

#[mesh_service]
pub trait Service {
    async fn f(&self, row: Row<'_>) -> Result<(), String>;
}

fn main() {}
