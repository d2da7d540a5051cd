//! All instances are in maintenance.

use std::time::{Duration, Instant};

use meshrpc::{Call, Kind};
use meshrpc_tests::{
    ledger::Ledger as _,
    process::{cause, eventually, within},
};
use serde_json::json;

use crate::{
    place::{EVERY, Place, each},
    site::Site,
};

#[test]
fn drill_07_without_a_healthy_instance_callers_are_told_so_at_once() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let _instances = site.town.start(["ledger-1", "ledger-2"]).await;
        let client = site.client().await;
        let ids = site.ids().await;
        site.well(Duration::from_secs(9)).await;
        maintenance(&site, &ids, true).await;
        let client = client.with(Call::new().deadline(Duration::from_secs(30)));
        eventually("nobody is listed", async || {
            client
                .who()
                .await
                .is_err_and(|error| cause(&error).kind() == Kind::Unavailable)
        })
        .await;
        for _ in 0..5 {
            let asked = Instant::now();
            let error = client.who().await.expect_err("nobody is there");
            assert_eq!(cause(&error).kind(), Kind::Unavailable, "{error:#}");
            assert!(
                format!("{error:#}").contains("no healthy instance"),
                "{error:#}"
            );
            assert!(asked.elapsed() < Duration::from_secs(3), "at once");
        }
        let visit = site.doctor().await;
        assert_eq!(visit.code, Some(1), "{visit:?}");
        assert!(visit.names("ledger", "no-healthy-instance"), "{visit:?}");
        for name in ["ledger-1", "ledger-2"] {
            assert!(visit.names(name, "maintenance"), "{visit:?}");
        }
        maintenance(&site, &ids, false).await;
        within(Duration::from_secs(6), "they are back", async || {
            client.who().await.is_ok()
        })
        .await;
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
