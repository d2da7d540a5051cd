//! A server, or its sidecar, is frozen: it is there, and does nothing.

use std::time::Duration;

use meshrpc::{Call, Kind, Started};
use meshrpc_tests::{
    ledger::LedgerClient,
    process::{Instance, Load, Method, Outcome, eventually, failures},
};

use super::TASKS;
use crate::{
    doctor::PATIENCE,
    place::{EVERY, Place, each},
    site::{Site, sidecar},
};

/// How long the list may go on showing what is frozen, or not show what is not.
const SEEN: Duration = Duration::from_secs(9);
/// How long calls wait.
const DEADLINE: Duration = Duration::from_secs(3);

#[test]
fn drill_03_a_frozen_server_is_dropped_and_listed_again() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        frozen(&site, Instance::freeze, Instance::thaw, "instance-silent").await;
    });
}

#[test]
fn drill_03_a_server_whose_sidecar_is_frozen_is_dropped_and_listed_again() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let freeze = |instance: &Instance| sidecar(instance).freeze();
        let thaw = |instance: &Instance| sidecar(instance).thaw();
        frozen(&site, freeze, thaw, "sidecar-frozen").await;
    });
}

async fn frozen(site: &Site, freeze: impl Fn(&Instance), thaw: impl Fn(&Instance), cause: &str) {
    let [_first, second] = site.town.start(["ledger-1", "ledger-2"]).await;
    let client: LedgerClient = site.client().await;
    let client = client.with(Call::new().retries(false).deadline(DEADLINE));
    let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS);
    eventually("it has work", async || load.answered_by(second.pid()) > 50).await;
    freeze(&second);
    site.lists(&["ledger-1"], SEEN).await;
    site.named("ledger-2", cause, PATIENCE).await;
    let ended = load.ended();
    eventually("the other takes over", async || load.ended() > ended + 600).await;
    thaw(&second);
    site.lists(&["ledger-1", "ledger-2"], SEEN).await;
    site.well(PATIENCE).await;
    let answered = load.answered_by(second.pid());
    eventually("it has work again", async || {
        load.answered_by(second.pid()) > answered + 50
    })
    .await;
    let outcomes = load.stop().await;
    site.check(&outcomes);
    let failed = failures(&outcomes);
    // Each task may wait for it once, and perhaps once more before the list is known.
    assert!(failed.len() as u64 <= 2 * TASKS, "{failed:?}");
    for (call, outcome) in failed {
        let Outcome::Failed { kind, started, .. } = &outcome else {
            continue;
        };
        let expected = [Kind::DeadlineExceeded, Kind::Unavailable];
        assert!(expected.contains(kind), "{call}: {outcome:?}");
        assert_ne!(*started, Started::No, "{call}: {outcome:?}");
    }
}
