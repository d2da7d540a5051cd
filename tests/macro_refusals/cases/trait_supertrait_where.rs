use meshrpc::mesh_service;

#[mesh_service]
pub trait Service
where
    Self: PartialEq,
{
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
