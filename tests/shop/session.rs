//! The commands of the guide, and what they print.

use std::path::Path;

use http::Method;
use meshrpc_tests::{
    command::{Place, Running, build},
    http::Curl,
};
use rustix::process::Signal;

use crate::{
    Customer, Open,
    guide::{Command, Guide},
    until, wait_for,
};

#[test]
fn the_monolith_answers_as_the_guide_says() {
    let place = Place::new();
    let binaries = build(&["shop-monolith"]);
    let shop = Open::start(&place, &binaries.join("shop-monolith"));
    let customer = Customer::new();
    for command in &scenario(&Guide::read()) {
        answers(&customer, &shop, command);
    }
}

#[test]
fn the_split_shop_answers_the_same() {
    let place = Place::new();
    let binaries = build(&["shop"]);
    let orders = Running::start(place.command(&binaries.join("orders")));
    let inventory = Running::start(place.command(&binaries.join("inventory")));
    let shop = Open::start(&place, &binaries.join("shop"));
    wait_for(&place, "orders");
    wait_for(&place, "inventory");
    let (guide, customer) = (Guide::read(), Customer::new());
    for command in &scenario(&guide) {
        answers(&customer, &shop, command);
    }
    // Each in the process that it belongs to, and once.
    assert_eq!(stop(orders), guide.said_by("orders-1"));
    assert_eq!(stop(inventory), guide.said_by("inventory-1"));
}

#[test]
fn a_shop_without_inventory_says_so_and_goes_on_when_it_is_back() {
    let place = Place::new();
    let binaries = build(&["shop"]);
    let orders = Running::start(place.command(&binaries.join("orders")));
    let mut inventory = Running::start(place.command(&binaries.join("inventory")));
    let shop = Open::start(&place, &binaries.join("shop"));
    wait_for(&place, "orders");
    wait_for(&place, "inventory");
    let customer = Customer::new();
    let guide = Guide::read();
    for command in &scenario(&guide) {
        answers(&customer, &shop, command);
    }

    let sessions = guide.sessions();
    let [_, failure] = sessions.as_slice() else {
        panic!("there are {} sessions", sessions.len());
    };
    let mut down = false;
    for command in failure {
        match command.line {
            "kill -9 $(pgrep -x inventory)" => {
                inventory.signal(Signal::KILL);
                inventory.wait();
                down = true;
            }
            "cargo run --bin inventory &" => {
                inventory = start_again(&place, &binaries.join("inventory"), &customer, &shop);
                down = false;
            }
            _ => {
                let status = answers(&customer, &shop, command);
                let needed = command.printed.contains("no instance of `inventory`");
                assert_eq!(status == 503, needed && down, "{}", command.line);
            }
        }
    }
    // Order 4 was placed twice, the first time in vain: nobody paid for that.
    assert_eq!(
        stop(orders),
        [
            "INFO payment 1: 1900 cents from visa",
            "ERROR order 4 may still be set aside: no instance of `inventory` is registered",
            "INFO payment 2: 950 cents from visa",
        ]
    );
    assert_eq!(stop(inventory), ["INFO order 4 is set aside"]);
}

/// Stops a process, and gives what it said of orders and payments.
#[track_caller]
fn stop(mut process: Running) -> Vec<String> {
    process.signal(Signal::TERM);
    assert_eq!(process.wait().code(), Some(0), "it stops in good order");
    let lines = process
        .seen
        .iter()
        .map(|line| line.trim_start_matches("out: ").trim());
    let lines = lines.filter(|line| line.contains("order ") || line.contains("payment "));
    let lines = lines.filter(|line| !line.contains("order declined"));
    lines.map(str::to_owned).collect()
}

fn start_again(place: &Place, inventory: &Path, customer: &Customer, shop: &Open) -> Running {
    let inventory = Running::start(place.command(inventory));
    wait_for(place, "inventory");
    let item = Curl::get(shop.address, "/items/tea");
    until("the shop has found it", || {
        customer.send(shop.address, &item).0 == 200
    });
    // An order that is declined says that the desk has found it, and leaves nothing.
    let body = r#"{"card":"stolen","lines":[{"sku":"tea","count":1}]}"#;
    let mut declined = Curl::post(shop.address, "/orders/declined", body);
    declined.method = Method::PUT;
    until("the desk has found it", || {
        customer.send(shop.address, &declined).0 == 402
    });
    inventory
}

/// What is tried on both shops.
fn scenario(guide: &Guide) -> Vec<Command<'_>> {
    let mut sessions = guide.sessions();
    assert!(!sessions.is_empty(), "the guide shows no session");
    sessions.swap_remove(0)
}

/// Whether the shop answers a line as the guide says; gives the status.
#[track_caller]
fn answers(customer: &Customer, shop: &Open, command: &Command<'_>) -> u16 {
    let (status, text) = customer.send(shop.address, &Curl::parse(command.line));
    assert_eq!(
        text.trim_end(),
        command.printed.trim_end(),
        "{}",
        command.line
    );
    status
}
