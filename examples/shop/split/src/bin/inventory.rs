//! The shop's inventory, served.

use std::time::Duration;

use meshrpc::{Mesh, Server, shutdown_signal};
use shop::{
    inventory::{InventoryHandler, Shelf},
    start_log,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    start_log();
    let stop = shutdown_signal();
    let mesh = Mesh::from_env().await?;
    let server = Server::builder()
        .service(InventoryHandler::new(Shelf::full()))
        .build();
    let serving = mesh.serve("inventory", server).await?;
    serving.until(stop).drain(Duration::from_secs(20)).await?;
    Ok(())
}
