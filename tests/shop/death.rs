//! An inventory that is killed under load.

use std::{collections::BTreeSet, net::SocketAddr};

use http::Method;
use meshrpc_tests::{
    command::{Place, Running, build, target, workspace},
    http::Curl,
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::JoinSet;

use crate::{Customer, Open, asked, until};

/// As many orders of one cup as there are cups.
const ORDERS: usize = 24;
/// Orders that are on their way at a time.
const AT_ONCE: usize = 3;
/// After this many answers the inventory is killed.
const UNTIL: usize = 8;

#[test]
fn every_order_is_paid_once_although_the_inventory_is_killed() {
    let place = Place::new();
    let mut command = place.up(workspace(), target());
    command.args(["orders", "inventory"]);
    let mut up = Running::start(command);
    up.expect("everything is ready");
    let ready = up.expect("inventory-1 is ready at ");
    let shop = Open::start(&place, &build(&["shop"]).join("shop"));
    let customer = Customer::new();
    let item = Curl::get(shop.address, "/items/cup");
    until("the shop is open", || {
        customer.send(shop.address, &item).0 == 200
    });

    let answers = customer.0.block_on(async {
        let (mut under_way, mut answers) = (JoinSet::new(), Vec::new());
        for number in 1..=ORDERS {
            if under_way.len() == AT_ONCE {
                answers.extend(under_way.join_next().await);
            }
            if answers.len() == UNTIL {
                kill(&ready);
            }
            let address = shop.address;
            under_way.spawn(async move {
                let (status, text) = asked(address, &order(address, number)).await;
                (number, status, text)
            });
        }
        answers.extend(under_way.join_all().await.into_iter().map(Ok));
        answers
    });
    up.expect("inventory-1 ended with SIGKILL");
    up.expect("inventory-1 is ready at ");

    for answer in answers {
        let (number, status, text) = answer.expect("no panic");
        assert!(
            [200, 503].contains(&status),
            "order {number}: {status} {text}"
        );
        let again = order(shop.address, number);
        let receipt = Curl::get(shop.address, &again.path);
        let (found, receipt) = customer.send(shop.address, &receipt);
        match status {
            200 => assert_eq!((found, &receipt), (200, &text), "order {number}"),
            // It says that it failed, and nothing is kept of it.
            _ => assert_eq!(found, 404, "order {number}: {text}, and then {receipt}"),
        }
        until("the order is placed", || {
            let (again, _) = customer.send(shop.address, &again);
            assert!([200, 503].contains(&again), "order {number}: {again}");
            again == 200
        });
    }
    let expected: BTreeSet<usize> = (1..=ORDERS).collect();
    assert_eq!(payments(&customer, &shop), expected);

    up.signal(Signal::INT);
    assert_eq!(up.wait().code(), Some(0), "it stops in good order");
    let charged = |line: &&String| line.contains("orders-1 ") && line.contains("1200 cents");
    assert_eq!(up.seen.iter().filter(charged).count(), ORDERS);
}

fn order(address: SocketAddr, number: usize) -> Curl {
    let body = r#"{"card":"visa","lines":[{"sku":"cup","count":1}]}"#;
    let mut curl = Curl::post(address, &format!("/orders/{number}"), body);
    curl.method = Method::PUT;
    curl
}

/// The numbers of the payments on all receipts.
fn payments(customer: &Customer, shop: &Open) -> BTreeSet<usize> {
    let numbers = (1..=ORDERS).map(|number| {
        let receipt = Curl::get(shop.address, &format!("/orders/{number}"));
        let (_, receipt) = customer.send(shop.address, &receipt);
        let receipt: serde_json::Value = serde_json::from_str(&receipt).expect("it is JSON");
        let number = receipt["payment"].as_u64().expect("it has a payment");
        usize::try_from(number).expect("a small number")
    });
    numbers.collect()
}

/// Kills the process of a line with `(process 1234)`.
fn kill(ready: &str) {
    let (_, pid) = ready.split_once("(process ").expect("it says which");
    let pid = pid.trim_end_matches(')').parse().ok();
    let pid = pid.and_then(Pid::from_raw).expect("a process has a number");
    kill_process(pid, Signal::KILL).expect("it runs");
}
