use std::cell::Cell;

use meshrpc::mesh_service;

#[mesh_service]
pub trait Greeter {
    fn greet(&self) -> anyhow::Result<String>;
}

struct Polite(Cell<u8>);

impl Greeter for Polite {
    fn greet(&self) -> anyhow::Result<String> {
        self.0.set(1);
        Ok(String::new())
    }
}

fn main() {}
