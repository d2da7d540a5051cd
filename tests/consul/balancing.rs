//! Which instance gets a call, through sidecars that choose for themselves and without.

use std::collections::BTreeMap;

use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::eventually,
    real::beside,
};

use crate::{
    place::{Place, WAYS, each},
    site::{Site, answered_by, sidecar},
};

/// Each has a session.
const ACCOUNTS: u64 = 40;

const NAMES: [&str; 5] = ["ledger-1", "ledger-2", "ledger-3", "ledger-4", "ledger-5"];

#[test]
fn five_hundred_calls_reach_each_of_five_instances_a_hundred_times() {
    each(WAYS, async |place: Place| evenly(&place.open().await).await);
}

#[test]
fn a_session_stays_where_it_is_whoever_is_restarted() {
    each(WAYS, async |place: Place| sticky(&place.open().await).await);
}

#[test]
fn an_instance_that_comes_gets_calls_and_one_that_went_gets_none() {
    each(WAYS, async |place: Place| {
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
    let counters = meshrpc::Client::channel(&client).counters();
    let dials = counters.dials();
    let counts = counted(&client, 500).await;
    let expected: BTreeMap<u32, u32> = instances.iter().map(|at| (at.pid(), 100)).collect();
    assert_eq!(counts, expected);

    // A proxy picks for itself: it is dialled until every instance is met, within a bound.
    let each_once = instances.len() as u64;
    let most = if site.via == "upstream" { 8 } else { 1 } * each_once;
    assert!((each_once..=most).contains(&dials), "{dials} dials");
    assert_eq!(counters.met(), each_once, "{counters:?}");
    assert_eq!(counters.surplus(), dials - each_once, "{counters:?}");
    assert_eq!(counters.dials(), dials, "nobody is left to be met");
}

async fn sticky(site: &Site) {
    let mut instances = Vec::from(site.town.start(NAMES).await);
    let client = site.client().await;
    let before = sessions(&client).await;
    let places: std::collections::BTreeSet<&String> = before.values().collect();
    assert!(places.len() > 1, "{before:?}");

    // Somebody else sees it the same way, and so does whoever is started in his place.
    for _ in 0..2 {
        let mut other = site.town.instance("other").calls(ACCOUNTS).await;
        assert_eq!(other.sessions(), &before);
        other.kill();
    }

    let counters = meshrpc::Client::channel(&client).counters();
    let met = counters.met();
    let own = beside(std::process::id());
    for proxy in &own {
        proxy.kill();
    }
    // Until then a session goes to those that are met.
    eventually("all are met again", async || {
        own.is_empty() || counters.met() >= met + NAMES.len() as u64
    })
    .await;
    client.wait_ready_all().await.expect("all can be reached");
    assert_eq!(sessions(&client).await, before);

    // The sidecar of a server, and with it every connection to that.
    if site.via != "plain" {
        let cut = sidecar(&instances[0]);
        cut.kill();
        eventually("there is another", async || {
            let others = beside(instances[0].pid());
            others.iter().any(|other| other.pid() != cut.pid())
        })
        .await;
        answered_by(&client, instances[0].pid()).await;
        assert_eq!(sessions(&client).await, before);
    }

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
    for account in 0..ACCOUNTS {
        let name = format!("account-{account}");
        let who = client.book(account, &name).await.expect("it answers");
        found.insert(account, who.name);
    }
    found
}
