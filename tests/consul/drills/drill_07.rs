//! All instances are in maintenance.

use std::time::Duration;

use meshrpc::{Call, Client as _, Kind};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{Load, Method, Outcome, cause, eventually, within},
};
use serde_json::json;

use super::TASKS;
use crate::{
    doctor::PATIENCE,
    place::{EVERY, Place, each},
    site::Site,
};

/// Calls that are told at once: these could not all wait for their deadlines.
const CALLS: usize = 400;

#[test]
fn drill_07_without_a_healthy_instance_callers_are_told_so_at_once_and_nobody_is_dialled() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let names = ["ledger-1", "ledger-2"];
        let _instances = site.town.start(names).await;
        let client = site.client().await;
        let client = client.with(Call::new().retries(false).deadline(Duration::from_secs(30)));
        let ids = site.ids().await;
        site.well(PATIENCE).await;
        maintenance(&site, &ids, true).await;
        eventually("nobody is listed", async || {
            let told = client.who().await;
            told.is_err_and(|error| cause(&error).kind() == Kind::Unavailable)
        })
        .await;

        let counters = LedgerClient::channel(&client).counters();
        let before = (counters.dials(), counters.questions());
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS).slow();
        let visit = site.doctor().await;
        assert_eq!(visit.code, Some(1), "{visit:?}");
        assert!(visit.names("ledger", "no-healthy-instance"), "{visit:?}");
        for name in names {
            assert!(visit.names(name, "maintenance"), "{visit:?}");
        }
        eventually("calls are told", async || load.failed() > CALLS).await;
        let outcomes = load.stop().await;
        for (call, outcome) in &outcomes {
            let Outcome::Failed { kind, message, .. } = outcome else {
                panic!("{call}: {outcome:?}");
            };
            assert_eq!(*kind, Kind::Unavailable, "{call}: {outcome:?}");
            let is_told = message.contains("no healthy instance");
            assert!(is_told, "{call}: {outcome:?}");
        }
        // Who is not listed is not dialled, and Consul is not asked why.
        assert_eq!((counters.dials(), counters.questions()), before);

        maintenance(&site, &ids, false).await;
        within(Duration::from_secs(6), "they are back", async || {
            client.who().await.is_ok()
        })
        .await;
        site.town.client().await;
        let most = before.0 + 8 * names.len() as u64;
        assert!(counters.dials() <= most, "{counters:?}, before {before:?}");
        site.well(PATIENCE).await;
    });
}

/// Begins or ends the maintenance of these, and of their sidecars.
async fn maintenance(site: &Site, ids: &[String], enable: bool) {
    for id in ids {
        for id in [format!("{id}-sidecar-proxy"), id.clone()] {
            let path = format!("/v1/agent/service/maintenance/{id}?enable={enable}");
            site.agent.put(&path, &json!({})).await;
        }
    }
}
