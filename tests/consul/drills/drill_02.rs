//! A sidecar is killed.

use std::{process, time::Duration};

use meshrpc_tests::{
    process::{Load, Method, eventually, failures, within},
    real::beside,
};

use super::TASKS;
use crate::{
    place::{EVERY, Place, each},
    site::sidecar,
};

/// How long a sidecar may be gone.
const BACK: Duration = Duration::from_secs(3);

#[test]
fn drill_02_a_servers_killed_sidecar_is_started_again_and_the_list_shows_the_gap() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let [_first, second] = site.town.start(["ledger-1", "ledger-2"]).await;
        let client = site.client().await;
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS);
        eventually("it has work", async || load.answered_by(second.pid()) > 50).await;
        let lists = site.follow();
        eventually("both are listed", async || {
            lists.saw(|list| list.len() == 2)
        })
        .await;
        let killed = sidecar(&second);
        killed.kill();
        within(BACK, "there is another", async || {
            let others = beside(second.pid());
            others.iter().any(|other| other.pid() != killed.pid())
        })
        .await;
        site.lists(&["ledger-1", "ledger-2"], Duration::from_secs(9))
            .await;
        eventually("the list shows the gap and its end", async || {
            let seen = lists.seen();
            let gap = seen.iter().position(|list| *list == ["ledger-1"]);
            gap.is_some_and(|gap| seen[gap..].iter().any(|list| list.len() == 2))
        })
        .await;
        let answered = load.answered_by(second.pid());
        eventually("it has work again", async || {
            load.answered_by(second.pid()) > answered + 50
        })
        .await;
        let outcomes = load.stop().await;
        site.check(&outcomes);
        let failed = failures(&outcomes);
        assert!(failed.len() as u64 <= TASKS, "{failed:?}");
    });
}

#[test]
fn drill_02_a_clients_killed_sidecar_is_started_again_and_each_caller_is_told_once() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let _instances = site.town.start(["ledger-1", "ledger-2"]).await;
        let client = site.client().await;
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS);
        eventually("calls are made", async || load.ended() > 200).await;
        let lists = site.follow();
        eventually("both are listed", async || {
            lists.saw(|list| list.len() == 2)
        })
        .await;
        let [killed] = &beside(process::id())[..] else {
            panic!("one client has one sidecar");
        };
        killed.kill();
        within(BACK, "there is another", async || {
            let others = beside(process::id());
            others.iter().any(|other| other.pid() != killed.pid())
        })
        .await;
        let ended = load.ended();
        eventually("calls are made again", async || load.ended() > ended + 600).await;
        let outcomes = load.stop().await;
        site.check(&outcomes);
        // It carries two connections, and they do not end in one instant.
        let failed = failures(&outcomes);
        assert!(failed.len() as u64 <= 2 * TASKS, "{failed:?}");
        assert_eq!(lists.seen().len(), 1, "servers are not concerned");
    });
}
