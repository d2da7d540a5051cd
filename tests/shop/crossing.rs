//! What a caller learns through one seam and through two, and what is left of an order whose
//! connection ends.

use std::{fmt::Debug, sync::Arc};

use meshrpc::{
    Code, Kind, Mesh, Server, Started,
    testing::{Direction, Fault, Network},
};
use shop::{
    Error, Inventory, Orders,
    catalog::Printed,
    inventory::{InventoryClient, InventoryHandler, Line, Shelf},
    orders::{Desk, Order, OrdersClient, Receipt},
    payments::{PaymentError, Terminal},
};

/// A shelf and a desk, each behind a seam.
struct Split {
    network: Network,
    shelf: Arc<Shelf>,
    orders: OrdersClient,
}

impl Split {
    fn new() -> Self {
        let (network, shelf) = (Network::new(), Arc::new(Shelf::full()));
        let handler = InventoryHandler::shared(Arc::clone(&shelf));
        let inventory = network.pair_with(Server::builder().service(handler).build());
        let orders = network.pair(desk(inventory));
        Self {
            network,
            shelf,
            orders,
        }
    }

    /// Places order 1 until nothing fails on its way: connections are made again after a pause.
    async fn place_again(&self, order: &Order) -> Result<Receipt, Error> {
        let mut receipt = self.orders.place("1", order).await;
        for _ in 0..20 {
            match receipt {
                Err(Error::Mesh(_)) => receipt = self.orders.place("1", order).await,
                _ => break,
            }
        }
        receipt
    }
}

fn desk(inventory: InventoryClient) -> Desk {
    let payments = Arc::new(Terminal::default());
    Desk::new(Arc::new(Printed), Arc::new(inventory), payments)
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
    let Split { shelf, orders, .. } = &Split::new();
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
    let left = shelf.left("pot").await.ok();
    assert_eq!(left, Some(3), "nothing stays set aside");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_reached_nobody_was_not_started() {
    let mesh = Mesh::in_process();
    let inventory = InventoryClient::connect(&mesh, "inventory");
    let failed = mesh_error(desk(inventory).place("1", &order("visa", "tea", 1)).await);
    assert_eq!(
        (failed.kind(), failed.started()),
        (Kind::Unavailable, Started::No)
    );
    assert!(!failed.relayed(), "it is the caller's own call");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_failed_further_behind_was_started_and_says_where_it_failed() {
    let (network, nowhere) = (Network::new(), Mesh::in_process());
    let inventory = InventoryClient::connect(&nowhere, "inventory");
    let orders: OrdersClient = network.pair(desk(inventory));
    let failed = mesh_error(orders.place("1", &order("visa", "tea", 1)).await);
    assert_eq!(
        (failed.kind(), failed.started()),
        (Kind::Remote, Started::Yes)
    );
    assert!(failed.relayed(), "the desk met it in a call of its own");
    assert_eq!(failed.code(), Code::Unavailable);
    let text = failed.to_string();
    assert_eq!(text, "no instance of `inventory` is registered");
}

#[tokio::test(start_paused = true)]
async fn setting_aside_is_repeated_and_placing_an_order_is_not() {
    let split = Split::new();
    let tea = order("visa", "tea", 2);
    split.orders.place("1", &tea).await.expect("all is well");

    let lost = Fault::to_client().kill_at(0);
    split
        .network
        .inject_open(lost.clone().instance("Inventory-0"));
    let receipt = split.orders.place("2", &tea).await;
    assert_eq!(receipt.expect("it is set aside again").payment, 2);

    split.network.inject_open(lost.instance("Orders-0"));
    let failed = mesh_error(split.orders.place("3", &tea).await);
    assert_eq!(failed.started(), Started::Unknown);
    assert_eq!(failed.attempts(), 1);
    assert_eq!(split.network.struck(), 2);
    assert_eq!(split.shelf.left("tea").await.ok(), Some(6), "three orders");
}

#[tokio::test(start_paused = true)]
async fn wherever_connections_end_an_order_is_paid_and_set_aside_once() {
    let tea = order("visa", "tea", 2);
    for instance in ["Inventory-0", "Orders-0"] {
        for direction in [Direction::ToServer, Direction::ToClient] {
            for byte in 0.. {
                let split = Split::new();
                let fault = Fault::on(direction).kill_at(byte).instance(instance);
                split.network.inject(fault);
                let first = split.orders.place("1", &tea).await;
                let struck = split.network.struck();
                split.network.heal();
                let again = split.place_again(&tea).await;
                let left = split.shelf.left("tea").await;
                let place = format!("{instance}, {direction:?}, byte {byte}: {first:?}, {again:?}");
                assert!(
                    matches!(&first, Ok(_) | Err(Error::Mesh(_))),
                    "another error: {place}"
                );
                assert!(
                    matches!(&again, Ok(receipt) if receipt.payment == 1),
                    "not paid once: {place}"
                );
                assert!(matches!(left, Ok(10)), "{left:?} of 12 left: {place}");
                if struck == 0 {
                    assert!(first.is_ok(), "{place}");
                    assert!(byte > 0, "nothing was sent: {place}");
                    break;
                }
            }
        }
    }
}

#[track_caller]
fn mesh_error<T: Debug>(result: Result<T, Error>) -> meshrpc::Error {
    match result {
        Err(Error::Mesh(error)) => error,
        other => panic!("no failed call: {other:?}"),
    }
}
