//! Every instance is restarted in its turn.

use meshrpc_tests::process::{Load, Method, eventually};

use super::TASKS;
use crate::place::{Place, WAYS, each};

#[test]
fn drill_08_a_rolling_restart_fails_no_call() {
    each(WAYS, async |place: Place| {
        let site = place.open().await;
        let names = ["ledger-1", "ledger-2", "ledger-3", "ledger-4", "ledger-5"];
        let mut instances = Vec::from(site.town.start(names).await);
        let client = site.client().await;
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS).slow();
        let lists = site.follow();
        for (at, name) in names.into_iter().enumerate() {
            let pid = instances[at].pid();
            eventually("it has work", async || load.answered_by(pid) > 5).await;
            instances[at].terminate();
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
        let outcomes = load.stop().await;
        site.check_all_done(&outcomes);
    });
}
