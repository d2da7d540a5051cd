use std::rc::Rc;

use meshrpc::mesh_service;

#[mesh_service]
trait Greeter {
    async fn greet(&self, name: &str) -> anyhow::Result<String>;
}

struct Polite;

impl Greeter for Polite {
    async fn greet(&self, name: &str) -> anyhow::Result<String> {
        let name = Rc::new(name.to_owned());
        self.greet("").await?;
        Ok(name.to_string())
    }
}

fn main() {}
