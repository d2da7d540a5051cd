use std::cell::Cell;

use meshrpc::mesh_service;

#[mesh_service]
trait Greeter {
    async fn greet(&self) -> anyhow::Result<()>;
    async fn part(&self, name: &str) -> anyhow::Result<()>;
}

struct Telling(Cell<u8>);

impl Greeter for Telling {
    async fn greet(&self) -> anyhow::Result<()> {
        self.0.set(1);
        Ok(())
    }

    async fn part(&self, _: &str) -> anyhow::Result<()> {
        Ok(())
    }
}

fn main() {}
