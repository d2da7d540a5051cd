use meshrpc::mesh_service;

#[mesh_service]
trait Greeter {
    async fn greet(&self, name: &str) -> anyhow::Result<String>;
}

struct Polite;

impl Greeter for Polite {
    fn greet(&self, name: &str) -> anyhow::Result<String> {
        Ok(name.to_owned())
    }
}

fn main() {}
