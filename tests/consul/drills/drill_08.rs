//! Every instance is restarted in its turn.

use std::time::Duration;

use meshrpc::Call;
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{Load, Method, Outcome, eventually},
};

use super::TASKS;
use crate::place::{Place, WAYS, each};

/// A call that keeps the first instance from stopping at once, and how long it takes.
const LONG: u64 = u64::MAX;
const MILLISECONDS: u64 = 8_000;

#[test]
fn drill_08_a_rolling_restart_fails_no_call() {
    each(WAYS, async |place: Place| {
        let site = place.open().await;
        let names = ["ledger-1", "ledger-2", "ledger-3", "ledger-4", "ledger-5"];
        let mut instances = Vec::from(site.town.start(names).await);
        let client = site.client().await;
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS).slow();
        let lists = site.follow();
        let first = of_instance(&client, names[0]).await;
        let long = tokio::spawn(async move { first.add(LONG, MILLISECONDS, &[]).await });
        eventually("it has begun", async || site.town.has_entry("add", LONG)).await;
        for (at, name) in names.into_iter().enumerate() {
            let pid = instances[at].pid();
            eventually("it has work", async || load.answered_by(pid) > 5).await;
            instances[at].terminate();
            if at == 0 {
                let cap = Duration::from_millis(MILLISECONDS);
                let visit = site.named(name, "maintenance", cap).await;
                assert!(visit.is_ok("healthy", "ledger"), "{visit:?}");
            }
            let stopped = instances.remove(at);
            assert!(stopped.ended().await.success(), "{name}");
            instances.insert(at, site.town.instance(name).start().await);
        }
        for instance in &instances {
            eventually("each has work", async || {
                load.answered_by(instance.pid()) > 5
            })
            .await;
        }
        // It is out of the lists when it stops, and in them when the next does.
        let seen = lists.seen();
        for name in names {
            let others: Vec<&str> = names.into_iter().filter(|other| *other != name).collect();
            assert!(seen.iter().any(|list| *list == others), "{name}: {seen:?}");
        }
        assert!(seen.iter().all(|list| list.len() >= 4), "{seen:?}");
        site.well(Duration::from_secs(9)).await;
        let mut outcomes = load.stop().await;
        let long = long.await.expect("no panic");
        outcomes.insert(LONG, Outcome::of(long));
        site.check_all_done(&outcomes);
    });
}

/// A client whose calls go to this instance.
async fn of_instance(client: &LedgerClient, name: &str) -> LedgerClient {
    for session in 0..1_000 {
        let of_session = Call::new().retries(false).session(session.to_string());
        let client = client.with(of_session);
        if client.who().await.expect("it answers").name == name {
            return client;
        }
    }
    panic!("no session of a thousand is of {name}");
}
