//! Serves `Hello`.

use hello::{Hello, HelloHandler};
use meshrpc::{Mesh, Server, shutdown_signal};

struct Polite;

impl Hello for Polite {
    async fn hello(&self, name: &str) -> anyhow::Result<String> {
        Ok(format!("Hello, {name}!"))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mesh = Mesh::from_env().await?;
    let server = Server::builder().service(HelloHandler::new(Polite)).build();
    let serving = mesh.serve("hello", server).await?.until(shutdown_signal());
    serving.drain(std::time::Duration::from_secs(20)).await?;
    Ok(())
}
