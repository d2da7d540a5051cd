//! Behind a proxy that picks an instance for each connection by itself.

use std::{collections::BTreeMap, ops::Range};

use meshrpc::{Client as _, Error, Kind, Mesh, client::Counters};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{Picks, Town, Upstream, alone, cause, eventually},
};

use crate::{
    LEDGER,
    sessions::{homes, restarted},
    turns::{answers, shares, takes_turns_with_a_third_and_without},
};

const FIVE: [&str; 5] = ["ledger-1", "ledger-2", "ledger-3", "ledger-4", "ledger-5"];

async fn connected_to(town: &Town, mesh: &Mesh, instances: usize) -> LedgerClient {
    let client = town.client_of(mesh).await;
    eventually("the list is whole", async || {
        LedgerClient::channel(&client).instances().len() == instances
    })
    .await;
    town.client_of(mesh).await
}

fn counters(client: &LedgerClient) -> &Counters {
    LedgerClient::channel(client).counters()
}

/// Five hundred calls reach each of five a hundred times, after so many dials; one connection to
/// each stays.
async fn five_hundred_calls(town: Town, picks: Picks, dials: Range<u64>) {
    let _instances = town.start(FIVE).await;
    let upstream = Upstream::new(picks).await;
    let mesh = upstream.mesh();
    let client = connected_to(&town, &mesh, 5).await;
    let names = answers(&client, 500).await;
    assert_eq!(shares(&names), FIVE.map(|name| (name, 100)).into());
    for (at, five) in names.chunks(5).enumerate() {
        let different: BTreeMap<_, _> = shares(five);
        assert_eq!(
            different.len(),
            5,
            "calls {} to {}: {five:?}",
            5 * at,
            5 * at + 4
        );
    }
    let counters = counters(&client);
    assert!(dials.contains(&counters.dials()), "{counters:?}");
    assert_eq!(counters.dials(), upstream.accepted());
    assert_eq!(counters.met(), 5);
    assert_eq!(counters.surplus(), counters.dials() - 5);
    eventually("one connection to each is left", async || {
        upstream.open() == 5
    })
    .await;
}

#[test]
fn five_instances_met_at_random_share_calls_exactly() {
    // Eight for each at most.
    alone(LEDGER, async |town: Town| {
        five_hundred_calls(town, Picks::AtRandom, 5..41).await
    });
}

#[test]
fn five_instances_met_in_turn_share_calls_exactly_after_five_dials() {
    alone(LEDGER, async |town: Town| {
        five_hundred_calls(town, Picks::InTurn, 5..6).await
    });
}

#[test]
fn a_session_behind_a_proxy_stays_at_its_instance_whatever_restarts() {
    alone(LEDGER, async |town: Town| {
        let [mut first, _second, _third] = town.start(["ledger-1", "ledger-2", "ledger-3"]).await;
        // Whoever knows the way to each agrees with those who do not.
        let before = homes(&town.client().await).await;

        let upstream = Upstream::new(Picks::AtRandom).await;
        let mesh = upstream.mesh();
        let client = connected_to(&town, &mesh, 3).await;
        assert_eq!(homes(&client).await, before, "through a proxy");

        // The proxy restarts, and every connection with it.
        upstream.stop();
        eventually("its end is noticed", async || counters(&client).lost() == 3).await;
        upstream.start().await;
        let client = town.client_of(&mesh).await;
        assert_eq!(homes(&client).await, before, "after the proxy's restart");

        let anew = upstream.mesh();
        let client = connected_to(&town, &anew, 3).await;
        assert_eq!(
            homes(&client).await,
            before,
            "for a client that starts anew"
        );

        for hard in [false, true] {
            first = restarted(&town, &client, first, hard).await;
            let client = town.client_of(&anew).await;
            let now = homes(&client).await;
            assert_eq!(now, before, "killed by force: {hard}; now {}", first.pid());
        }
    });
}

#[test]
fn an_instance_that_comes_behind_a_proxy_gets_its_share_and_one_that_leaves_none() {
    alone(LEDGER, async |town: Town| {
        let [first, _second] = town.start(["ledger-1", "ledger-2"]).await;
        let upstream = Upstream::new(Picks::AtRandom).await;
        let mesh = upstream.mesh();
        let client = connected_to(&town, &mesh, 2).await;
        takes_turns_with_a_third_and_without(&town, &client, first).await;
    });
}

#[test]
fn a_proxy_that_closes_connections_is_explained_by_the_registry_until_it_does_not() {
    alone(LEDGER, async |town: Town| {
        let _instances = town.start(["ledger-1", "ledger-2"]).await;
        let upstream = Upstream::new(Picks::InTurn).await;
        upstream.refuse(Some(|| Error::new(Kind::Denied, "an intention denies it")));
        let mesh = upstream.mesh();
        let client = LedgerClient::connect(&mesh, "ledger");
        // Long before the default deadline.
        let error = client.who().await.expect_err("it is denied");
        let error = cause(&error);
        assert_eq!(error.kind(), Kind::Denied, "{error}");
        assert!(
            error.to_string().contains("an intention denies it"),
            "{error}"
        );
        let questions = counters(&client).questions();
        assert!(questions >= 1 && questions <= counters(&client).failed_dials());

        upstream.refuse(None);
        let client = town.client_of(&mesh).await;
        assert_eq!(
            shares(&answers(&client, 20).await),
            BTreeMap::from([("ledger-1", 10), ("ledger-2", 10)])
        );
    });
}
