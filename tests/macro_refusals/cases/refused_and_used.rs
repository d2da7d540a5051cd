use meshrpc::{Mesh, Server, mesh_service};

#[mesh_service]
pub trait Greeter {
    async fn greet(&self, name: &str) -> anyhow::Result<String>;
    async fn count(&self) -> u32;
    fn watch(&self, on: impl Fn(u32)) -> anyhow::Result<()>;
}

struct Polite;

impl Greeter for Polite {
    async fn greet(&self, name: &str) -> anyhow::Result<String> {
        Ok(name.to_owned())
    }
    async fn count(&self) -> u32 {
        1
    }
    fn watch(&self, on: impl Fn(u32)) -> anyhow::Result<()> {
        on(1);
        Ok(())
    }
}

async fn twice(greeter: &impl Greeter) -> anyhow::Result<String> {
    greeter.greet("Max").await?;
    greeter.greet("Eva").await
}

async fn run(mesh: Mesh) -> anyhow::Result<()> {
    let server = Server::builder().service(GreeterHandler::new(Polite)).build();
    let serving = mesh.serve(GREETER.name, server).await?;
    let greeter = GreeterClient::connect(&mesh, "greeter");
    greeter.wait_ready().await?;
    tokio::spawn({
        let greeter = greeter.clone();
        async move { greeter.count().await }
    });
    twice(&greeter).await?;
    drop(serving);
    Ok(())
}

fn main() {
    let _ = run(Mesh::in_process());
}
