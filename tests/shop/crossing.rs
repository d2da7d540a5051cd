//! What a caller learns through one seam and through two.

use std::sync::Arc;

use meshrpc::{Code, Kind, Mesh, Server, Serving, Started};
use shop::{
    Error, Inventory, Orders,
    catalog::Printed,
    inventory::{InventoryClient, InventoryHandler, Line, Shelf},
    orders::{Desk, Order, OrdersClient, OrdersHandler},
    payments::{PaymentError, Terminal},
};

async fn serve_inventory(mesh: &Mesh, shelf: &Arc<Shelf>) -> Serving {
    let handler = InventoryHandler::shared(Arc::clone(shelf));
    let server = Server::builder().service(handler).build();
    let serving = mesh.serve("inventory", server).await;
    serving.expect("it can be served")
}

async fn serve_orders(mesh: &Mesh) -> Serving {
    let inventory = Arc::new(InventoryClient::connect(mesh, "inventory"));
    let desk = Desk::new(Arc::new(Printed), inventory, Arc::new(Terminal::default()));
    let server = Server::builder().service(OrdersHandler::new(desk)).build();
    let serving = mesh.serve("orders", server).await;
    serving.expect("it can be served")
}

fn order(card: &str, sku: &str, count: u32) -> Order {
    Order {
        card: card.to_owned(),
        lines: vec![Line {
            sku: sku.to_owned(),
            count,
        }],
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_shop_is_the_same_through_two_seams() {
    let (mesh, shelf) = (Mesh::in_process(), Arc::new(Shelf::full()));
    let _serving = (
        serve_inventory(&mesh, &shelf).await,
        serve_orders(&mesh).await,
    );
    let orders = OrdersClient::connect(&mesh, "orders");

    let refused = orders.place("1", &order("visa", "pot", 9)).await;
    assert!(
        matches!(&refused, Err(Error::OutOfStock { sku, left: 3 }) if sku == "pot"),
        "{refused:?}"
    );
    let refused = orders.place("2", &order("visa", "piano", 1)).await;
    assert!(
        matches!(&refused, Err(Error::NotSold(sku)) if sku == "piano"),
        "{refused:?}"
    );
    let refused = orders.place("3", &order("stolen", "pot", 1)).await;
    assert!(
        matches!(&refused, Err(Error::Payment(PaymentError::Declined(card))) if card == "stolen"),
        "{refused:?}"
    );
    let refused = orders.find("3").await;
    assert!(
        matches!(&refused, Err(Error::NoOrder(number)) if number == "3"),
        "{refused:?}"
    );
    assert_eq!(
        shelf.left("pot").await.ok(),
        Some(3),
        "nothing stays set aside"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_reached_nobody_was_not_started() {
    let mesh = Mesh::in_process();
    let orders = OrdersClient::connect(&mesh, "orders");
    let failed = mesh_error(orders.place("1", &order("visa", "tea", 1)).await);
    assert_eq!(
        (failed.kind(), failed.started()),
        (Kind::Unavailable, Started::No)
    );
    assert!(!failed.relayed(), "it is the caller's own call");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_failed_further_behind_was_started_and_says_where_it_failed() {
    let mesh = Mesh::in_process();
    let _serving = serve_orders(&mesh).await;
    let orders = OrdersClient::connect(&mesh, "orders");
    let failed = mesh_error(orders.place("1", &order("visa", "tea", 1)).await);
    assert_eq!(
        (failed.kind(), failed.started()),
        (Kind::Remote, Started::Yes)
    );
    assert!(failed.relayed(), "the desk met it in a call of its own");
    assert_eq!(failed.code(), Code::Unavailable);
    assert_eq!(
        failed.to_string(),
        "no instance of `inventory` is registered"
    );
}

#[track_caller]
fn mesh_error<T: std::fmt::Debug>(result: Result<T, Error>) -> meshrpc::Error {
    match result {
        Err(Error::Mesh(error)) => error,
        other => panic!("no failed call: {other:?}"),
    }
}
