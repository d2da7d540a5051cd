//! Bytes that arrive changed, between processes.

use std::collections::BTreeMap;

use meshrpc::{Call, Mesh, testing::Direction};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{Damage, Outcome, Proxy, Town, alone, check, eventually},
};
use tokio::task::JoinSet;

use crate::LEDGER;

/// Calls on each connection, all at a time, of which some have many chunks.
const CALLS: u64 = 6;

/// Makes calls on connections that carry a changed byte each, until there is none at the `place` of
/// its round; `client` is not concerned.
async fn flipped(
    town: &Town,
    client: &LedgerClient,
    proxy: &Proxy,
    (way, place): (Direction, fn(u64) -> u64),
) {
    let mut outcomes = BTreeMap::new();
    for round in 0.. {
        let (struck, connections) = (proxy.struck(), proxy.connections());
        let broken = broken(client).await;
        proxy.damage_next(way, Damage::Flip(place(round)));
        let mesh = Mesh::open(&format!("static:ledger={}", proxy.address())).await;
        let mesh = mesh.expect("a mesh");
        let damaged = LedgerClient::connect(&mesh, "ledger").with(Call::new().retries(false));
        let mut calls = JoinSet::new();
        for call in round * CALLS..(round + 1) * CALLS {
            let damaged = damaged.clone();
            let ballast = vec![7; if call % 3 == 0 { 50_000 } else { 50 }];
            calls.spawn(async move { (call, damaged.add(call, 0, &ballast).await) });
        }
        for (call, answer) in calls.join_all().await {
            outcomes.insert(call, Outcome::of(answer));
        }
        if proxy.struck() == struck {
            assert!(round > 10, "only {round} bytes were changed");
            break;
        }
        // The connection was closed, and another one made.
        eventually("the client has connected again", async || {
            proxy.connections() == connections + 2
        })
        .await;
        if way == Direction::ToServer {
            // The server counted it: that one, and no other.
            eventually("the connection is counted", async || {
                self::broken(client).await > broken
            })
            .await;
            assert_eq!(self::broken(client).await, broken + 1, "round {round}");
        }
    }
    check(&outcomes, &town.entries());
}

async fn broken(client: &LedgerClient) -> u64 {
    let counts = client.counts().await.expect("others go on");
    counts.broken_connections
}

#[test]
fn fault_06_a_changed_byte_of_a_request_is_never_delivered_counted_and_closes() {
    alone(LEDGER, async |town: Town| {
        let instance = town.instance("ledger-1").start().await;
        let proxy = Proxy::before(&instance).await;
        let client = town.client().await;
        // Through the heads in small steps, and through the bodies in large ones.
        let place = |round| round * 7 + round * round * round;
        flipped(&town, &client, &proxy, (Direction::ToServer, place)).await;
    });
}

#[test]
fn fault_06_a_changed_byte_of_a_reply_is_never_delivered_and_closes() {
    alone(LEDGER, async |town: Town| {
        let instance = town.instance("ledger-1").start().await;
        let proxy = Proxy::before(&instance).await;
        let client = town.client().await;
        let place = |round| round * 23;
        flipped(&town, &client, &proxy, (Direction::ToClient, place)).await;
    });
}
