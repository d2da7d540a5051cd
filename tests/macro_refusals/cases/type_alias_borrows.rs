use meshrpc::mesh_service;

pub type Name<'a> = &'a str;

#[mesh_service]
pub trait Service {
    async fn f(&self, name: Name<'_>) -> anyhow::Result<()>;
}

fn main() {}
