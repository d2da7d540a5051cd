//! A server is killed.

use std::time::Duration;

use meshrpc::Started;
use meshrpc_tests::{
    ledger::Ledger as _,
    process::{Load, Method, cause, eventually, failed_at, within},
};
use tokio::task::JoinSet;

use super::TASKS;
use crate::{
    doctor::PATIENCE,
    place::{EVERY, Place, each},
    site::{Site, sidecar},
};

/// Calls that are under way when the server dies.
const HELD: u64 = 9;
/// Calls that are held have numbers of their own.
const FIRST_HELD: u64 = 1_000_000;

#[test]
fn drill_01_a_killed_server_is_missed_at_once_and_leaves_no_ghost() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let names = ["ledger-1", "ledger-2", "ledger-3"];
        let [_first, mut second, _third] = site.town.start(names).await;
        let client = site.client().await;
        site.well(PATIENCE).await;
        let id = id(&site, second.pid()).await;
        let proxy = sidecar(&second);

        let mut held = JoinSet::new();
        for call in FIRST_HELD..FIRST_HELD + HELD {
            let client = client.clone();
            held.spawn(async move { client.hold(call).await });
        }
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS);
        let begun = || {
            let entries = site.town.entries().into_iter();
            let begun = entries.filter(|entry| entry.what == "begun");
            begun.map(|entry| entry.by.pid).collect::<Vec<_>>()
        };
        eventually("all are under way", async || begun().len() as u64 == HELD).await;
        eventually("it has work", async || load.answered_by(second.pid()) > 50).await;
        let lost = begun().iter().filter(|&&pid| pid == second.pid()).count();
        assert!(lost > 0, "calls reach every instance");

        second.kill();
        let ended = load.ended();
        for _ in 0..lost {
            let told = tokio::time::timeout(Duration::from_secs(1), held.join_next()).await;
            let told = told.expect("a loss is told at once").expect("one is held");
            let error = told.expect("no panic").expect_err("it never answers");
            assert_eq!(cause(&error).started(), Started::Unknown, "{error:#}");
            assert_eq!(cause(&error).instance(), Some("ledger-2"), "{error:#}");
        }
        site.lists(&["ledger-1", "ledger-3"], Duration::from_secs(9))
            .await;
        site.named("ledger-2", "instance-silent", PATIENCE).await;
        site.named("ledger-2", "instance-unreachable", PATIENCE)
            .await;
        eventually("others take over", async || load.ended() > ended + 600).await;
        assert_eq!(held.len(), HELD as usize - lost, "other calls were lost");
        let outcomes = load.stop().await;
        site.check(&outcomes);
        failed_at(&["ledger-2"], TASKS, &outcomes);
        within(Duration::from_secs(6), "its sidecar ends", async || {
            proxy.is_gone()
        })
        .await;
        within(Duration::from_secs(261), "no ghost is left", async || {
            let known = site.agent.json("/v1/agent/services").await;
            let known = known.as_object().expect("services by id");
            known.keys().all(|known| !known.starts_with(&id))
        })
        .await;
        assert_eq!(site.listed().await, ["ledger-1", "ledger-3"]);
        site.well(PATIENCE).await;
    });
}

/// The id under which this process is registered.
async fn id(site: &Site, pid: u32) -> String {
    let ids = site.ids().await;
    let pid = format!("-{pid}-");
    let id = ids.iter().find(|id| id.contains(&pid));
    id.cloned()
        .unwrap_or_else(|| panic!("no id of {pid} in {ids:?}"))
}
