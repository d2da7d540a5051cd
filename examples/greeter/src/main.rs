//! Serves the greeter.

use greeter::{Desk, GreeterHandler};
use meshrpc::{
    Mesh,
    server::{Server, shutdown_signal},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mesh = Mesh::from_env().await?;
    let server = Server::builder().service(GreeterHandler::new(Desk)).build();
    mesh.serve("greeter", server).await?.until(shutdown_signal()).await?;
    Ok(())
}
