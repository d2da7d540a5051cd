use std::collections::BTreeMap;

use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{Instance, Town, alone, eventually},
};

use crate::LEDGER;

/// Who answers `calls` calls, one after the other.
pub(crate) async fn answers(client: &LedgerClient, calls: usize) -> Vec<String> {
    let mut names = Vec::new();
    for _ in 0..calls {
        names.push(client.who().await.expect("it answers").name);
    }
    names
}

pub(crate) fn shares(names: &[String]) -> BTreeMap<&str, usize> {
    let mut shares = BTreeMap::new();
    for name in names {
        *shares.entry(name.as_str()).or_default() += 1;
    }
    shares
}

/// Calls until `name` has answered, so that the client knows of it.
pub(crate) async fn until_answered_by(client: &LedgerClient, pid: u32) {
    eventually("it answers", async || {
        client.who().await.expect("somebody answers").pid == pid
    })
    .await;
}

/// A client of `ledger-1`, which is `first`, and `ledger-2`: a third comes, and the first leaves.
pub(crate) async fn takes_turns_with_a_third_and_without(
    town: &Town,
    client: &LedgerClient,
    first: Instance,
) {
    assert_eq!(
        shares(&answers(client, 20).await),
        BTreeMap::from([("ledger-1", 10), ("ledger-2", 10)])
    );

    let third = town.instance("ledger-3").start().await;
    until_answered_by(client, third.pid()).await;
    assert_eq!(
        shares(&answers(client, 30).await),
        BTreeMap::from([("ledger-1", 10), ("ledger-2", 10), ("ledger-3", 10)])
    );

    first.terminate();
    assert!(first.ended().await.success());
    assert_eq!(
        shares(&answers(client, 20).await),
        BTreeMap::from([("ledger-2", 10), ("ledger-3", 10)])
    );
}

#[test]
fn three_hundred_calls_go_exactly_in_turn_over_one_connection_each() {
    alone(LEDGER, async |town: Town| {
        let _instances = town.start(["ledger-1", "ledger-2", "ledger-3"]).await;
        let client = town.client().await;
        let names = answers(&client, 300).await;
        for (at, three) in names.windows(3).enumerate() {
            assert!(
                three[0] != three[1] && three[1] != three[2] && three[2] != three[0],
                "call {at} and the two after it went to {three:?}"
            );
        }
        assert_eq!(
            shares(&names),
            BTreeMap::from([("ledger-1", 100), ("ledger-2", 100), ("ledger-3", 100)])
        );
        for _ in 0..3 {
            let counts = client.counts().await.expect("it answers");
            assert_eq!(counts.connections, 1, "connections: {counts:?}");
        }
    });
}

#[test]
fn clients_of_one_mesh_share_the_connections() {
    alone(LEDGER, async |town: Town| {
        let _instances = town.start(["ledger-1", "ledger-2"]).await;
        let (one, other) = (town.client().await, town.client().await);
        answers(&one, 10).await;
        answers(&other, 10).await;
        for _ in 0..2 {
            assert_eq!(one.counts().await.expect("it answers").connections, 1);
        }
    });
}

#[test]
fn an_instance_that_comes_gets_its_share_and_one_that_leaves_none() {
    alone(LEDGER, async |town: Town| {
        let [first, _second] = town.start(["ledger-1", "ledger-2"]).await;
        let client = town.client().await;
        takes_turns_with_a_third_and_without(&town, &client, first).await;
    });
}

#[test]
fn a_client_that_is_there_first_waits_for_an_instance() {
    alone(LEDGER, async |town: Town| {
        let client = LedgerClient::connect(town.mesh(), "ledger");
        let ready = tokio::spawn(async move {
            client.wait_ready().await.expect("somebody comes");
            client.who().await.expect("it answers").name
        });
        let _instance = town.instance("ledger-1").start().await;
        assert_eq!(ready.await.expect("it does not panic"), "ledger-1");
    });
}
