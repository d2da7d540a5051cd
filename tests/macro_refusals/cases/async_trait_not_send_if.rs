use meshrpc::mesh_service;

#[mesh_service]
#[cfg_attr(all(), async_trait::async_trait(?Send))]
pub trait Service {
    async fn f(&self) -> Result<(), String>;
}

fn main() {}
