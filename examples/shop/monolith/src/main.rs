//! The whole shop in one process.

use std::sync::Arc;

use shop_monolith::{
    Shop, catalog::Printed, inventory::Shelf, orders::Desk, payments::Terminal, start_log, web,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    start_log();
    let catalog = Arc::new(Printed);
    let inventory = Arc::new(Shelf::full());
    let payments = Arc::new(Terminal::default());
    let orders = Desk::new(catalog.clone(), inventory.clone(), payments);
    let shop = Shop {
        catalog,
        inventory,
        orders: Arc::new(orders),
    };
    web::serve(shop).await
}
