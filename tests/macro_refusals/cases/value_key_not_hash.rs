use std::collections::HashMap;

use meshrpc::mesh_service;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Key(u32);

#[mesh_service]
pub trait Service {
    async fn f(&self, rows: HashMap<Key, u32>) -> anyhow::Result<()>;
}

fn main() {}
