use std::cell::Cell;

use async_trait::async_trait;
use meshrpc::mesh_service;

#[mesh_service]
#[async_trait]
trait Greeter {
    async fn greet(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

struct Telling(Cell<u8>);

impl Greeter for Telling {}

fn main() {}
