//! A monolith that is split at two of its traits: what has to change, that both states do the same,
//! and what happens when one of the processes dies. What the guide shows is what is tried.
//!
//! # Layout
//! - `guide`: what `docs/split-a-monolith.md` shows
//! - `difference`: what has to change
//! - `session`: the commands of the guide, and what they print
//! - `crossing`: errors through one seam and through two, and connections that end
//! - `death`: an inventory that is killed under load

mod crossing;
mod death;
mod difference;
mod guide;
mod session;

use std::{
    net::SocketAddr,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use http::Response;
use meshrpc::{discovery::Health, mesh::local::Registry};
use meshrpc_tests::{
    command::{CAP, Place, Running},
    http::{Curl, send},
};
use tokio::runtime::Runtime;

/// A shop that is open.
struct Open {
    address: SocketAddr,
    _process: Running,
}

impl Open {
    /// Opens the shop that `program` is.
    fn start(place: &Place, program: &Path) -> Self {
        let mut command = place.command(program);
        command.env("HTTP_LISTEN", "127.0.0.1:0");
        let mut process = Running::start(command);
        let line = process.expect("the shop is open at http://");
        let address = line.rsplit('/').next().and_then(|text| text.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address: {line}"));
        Self {
            address,
            _process: process,
        }
    }
}

/// Someone who shops.
struct Customer(Runtime);

impl Customer {
    fn new() -> Self {
        Self(Runtime::new().expect("a runtime can be started"))
    }

    /// Sends a request to the shop, whatever address it names; gives the status and the text.
    #[track_caller]
    fn send(&self, shop: SocketAddr, curl: &Curl) -> (u16, String) {
        self.0.block_on(asked(shop, curl))
    }
}

async fn asked(shop: SocketAddr, curl: &Curl) -> (u16, String) {
    let response = match send(shop, curl.request()).await {
        Ok(response) => response.map(|body| String::from_utf8_lossy(&body).into_owned()),
        Err(error) => panic!("{curl:?}: {error:#}"),
    };
    let (head, body) = Response::into_parts(response);
    (head.status.as_u16(), body)
}

/// Waits until an instance of `deployment` can be called.
#[track_caller]
fn wait_for(place: &Place, deployment: &str) {
    let registry = Registry::open(&place.environment()).expect("the registry is ours");
    let ready = || {
        let listed = registry.list(deployment).unwrap_or_default();
        listed.iter().any(|entry| entry.health == Health::Ready)
    };
    until(&format!("`{deployment}` is ready"), ready);
}

/// Waits until `happened`.
#[track_caller]
fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < CAP, "it never came to be: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
