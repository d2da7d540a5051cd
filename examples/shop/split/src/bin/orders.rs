//! The shop's orders, served. Payments are part of this process.

use std::{sync::Arc, time::Duration};

use meshrpc::{Mesh, Server, shutdown_signal};
use shop::{
    catalog::Printed,
    inventory::InventoryClient,
    orders::{Desk, OrdersHandler},
    payments::Terminal,
    start_log,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    start_log();
    let stop = shutdown_signal();
    let mesh = Mesh::from_env().await?;
    let inventory = InventoryClient::connect(&mesh, "inventory");
    let payments = Terminal::default();
    let desk = Desk::new(Arc::new(Printed), Arc::new(inventory), Arc::new(payments));
    let server = Server::builder().service(OrdersHandler::new(desk)).build();
    let serving = mesh.serve("orders", server).await?;
    serving.until(stop).drain(Duration::from_secs(20)).await?;
    Ok(())
}
