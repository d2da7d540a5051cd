//! Ten servers are started in one instant.

use std::time::Duration;

use futures_util::future::join_all;
use meshrpc_tests::real::Release;

use crate::place::{Choice, Place, each};

/// The release that loses a status when several services are registered at a time.
const FORGETFUL: &[Choice] = &[(Release::V1_22, false)];

#[test]
fn drill_09_ten_servers_started_in_one_instant_are_all_listed() {
    each(FORGETFUL, async |place: Place| {
        let site = place.open().await;
        let names: Vec<String> = (0..10).map(|number| format!("ledger-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let instances = names.iter().map(|name| site.town.instance(name).start());
        // Each serves when its own id is listed.
        let started = tokio::time::timeout(Duration::from_secs(15), join_all(instances));
        let _instances = started.await.expect("all serve in time");
        site.lists(&names, Duration::from_secs(1)).await;
    });
}
