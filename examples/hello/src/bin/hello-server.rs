//! Serves `Hello`.

use hello::{Hello, HelloHandler};
use meshrpc::{Mesh, server::Server};

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
    Ok(mesh.serve("hello", server).await?.until(meshrpc::server::shutdown_signal()).await?)
}
