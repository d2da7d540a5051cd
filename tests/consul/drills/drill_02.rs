//! A sidecar is killed.

use std::{fs, process, time::Duration};

use meshrpc_tests::{
    process::{Load, Method, eventually, failed_at, within},
    real::{Found, beside},
};

use super::TASKS;
use crate::{
    doctor::PATIENCE,
    place::{EVERY, Place, each},
    site::{Site, sidecar, sidecar_of},
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
        failed_at(&["ledger-2"], TASKS, &outcomes);
        stays_away(&site, &sidecar(&second), "ledger-2", "sidecar-down").await;
    });
}

#[test]
fn drill_02_a_clients_killed_sidecar_is_started_again_and_each_caller_is_told_once_of_each_connection()
 {
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
        let killed = sidecar_of(process::id());
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
        failed_at(&["ledger-1", "ledger-2"], TASKS, &outcomes);
        assert_eq!(lists.seen().len(), 1, "servers are not concerned");
        let now = sidecar_of(process::id());
        stays_away(&site, &now, "client → ledger", "upstream-down").await;
    });
}

/// Kills a sidecar that cannot be started again for a while, and asks the doctor meanwhile.
async fn stays_away(site: &Site, killed: &Found, subject: &str, cause: &str) {
    site.well(PATIENCE).await;
    let program = site.town.folder().join("programs/consul");
    let hidden = program.with_extension("hidden");
    fs::rename(&program, &hidden).expect("the folder can be written");
    killed.kill();
    let visit = site.named(subject, cause, PATIENCE).await;
    assert_eq!(visit.code, Some(1), "{visit:?}");
    fs::rename(&hidden, &program).expect("the folder can be written");
    site.well(PATIENCE).await;
}
