use meshrpc::mesh_service;

pub struct Row<'a>(pub &'a str);

#[mesh_service]
pub trait Service {
    async fn f(&self) -> Result<Row<'_>, String>;
}

fn main() {}
