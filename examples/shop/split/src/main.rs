//! The web in front of the shop.

use std::sync::Arc;

use meshrpc::Mesh;
use shop::{
    Shop, catalog::Printed, inventory::InventoryClient, orders::OrdersClient, start_log, web,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    start_log();
    let mesh = Mesh::from_env().await?;
    let shop = Shop {
        catalog: Arc::new(Printed),
        inventory: Arc::new(InventoryClient::connect(&mesh, "inventory")),
        orders: Arc::new(OrdersClient::connect(&mesh, "orders")),
    };
    web::serve(shop).await
}
