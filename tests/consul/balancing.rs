//! Which instance gets a call, through sidecars that choose for themselves and without.

use std::collections::BTreeMap;

use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::eventually,
    real::beside,
};

use crate::{
    place::{EVERY, Place, RELEASES, each, each_by},
    site::Site,
};

const NAMES: [&str; 5] = ["ledger-1", "ledger-2", "ledger-3", "ledger-4", "ledger-5"];

#[test]
fn five_hundred_calls_reach_each_of_five_instances_a_hundred_times() {
    each(EVERY, async |place: Place| {
        evenly(&place.open().await).await
    });
}

#[test]
fn calls_to_the_sidecars_of_instances_are_even() {
    each_by("via=instance", RELEASES, async |site: Site| {
        evenly(&site).await
    });
}

#[test]
fn calls_without_sidecars_are_even() {
    each_by("via=plain", RELEASES, async |site: Site| {
        evenly(&site).await
    });
}

#[test]
fn a_session_stays_where_it_is_whoever_is_restarted() {
    each(EVERY, async |place: Place| {
        sticky(&place.open().await).await
    });
}

#[test]
fn a_session_stays_where_it_is_without_a_sidecar_of_the_client() {
    each_by("via=instance", RELEASES, async |site: Site| {
        sticky(&site).await
    });
}

#[test]
fn an_instance_that_comes_gets_calls_and_one_that_went_gets_none() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let [first, second] = site.town.start(["ledger-1", "ledger-2"]).await;
        let client = site.client().await;
        let third = site.town.instance("ledger-3").start().await;
        eventually("the newcomer answers", async || {
            client.who().await.expect("it answers").pid == third.pid()
        })
        .await;
        second.terminate();
        assert!(second.ended().await.success());
        let counts = counted(&client, 100).await;
        let pids: Vec<u32> = counts.keys().copied().collect();
        let mut left = [first.pid(), third.pid()];
        left.sort_unstable();
        assert_eq!(pids, left, "{counts:?}");
    });
}

async fn evenly(site: &Site) {
    let instances = site.town.start(NAMES).await;
    let client = site.client().await;
    let counts = counted(&client, 500).await;
    let expected: BTreeMap<u32, u32> = instances.iter().map(|at| (at.pid(), 100)).collect();
    assert_eq!(counts, expected);
}

async fn sticky(site: &Site) {
    let mut instances = Vec::from(site.town.start(NAMES).await);
    let client = site.client().await;
    let before = sessions(&client).await;
    let places: std::collections::BTreeSet<&String> = before.values().collect();
    assert!(places.len() > 1, "{before:?}");

    // Somebody else sees it the same way.
    let (_mesh, other) = site.newcomer("other").await;
    other.wait_ready_all().await.expect("all can be reached");
    assert_eq!(sessions(&other).await, before);

    let own = beside(std::process::id());
    for proxy in &own {
        proxy.kill();
    }
    eventually("they are gone", async || {
        own.iter().all(|proxy| proxy.is_gone())
    })
    .await;
    client.wait_ready_all().await.expect("all can be reached");
    assert_eq!(sessions(&client).await, before);

    let last = instances.pop().expect("there are five");
    last.terminate();
    assert!(last.ended().await.success());
    let again = site.town.instance(NAMES[4]).start().await;
    eventually("it is back", async || {
        client.who().await.is_ok_and(|who| who.pid == again.pid())
    })
    .await;
    assert_eq!(sessions(&client).await, before);
}

/// How many of `calls` calls each process answers.
async fn counted(client: &LedgerClient, calls: u32) -> BTreeMap<u32, u32> {
    let mut counts = BTreeMap::new();
    for _ in 0..calls {
        let who = client.who().await.expect("it answers");
        *counts.entry(who.pid).or_default() += 1;
    }
    counts
}

/// The instance of each of some accounts.
async fn sessions(client: &LedgerClient) -> BTreeMap<u64, String> {
    let mut found = BTreeMap::new();
    for account in 0..40 {
        let name = format!("account-{account}");
        let who = client.book(account, &name).await.expect("it answers");
        found.insert(account, who.name);
    }
    found
}
