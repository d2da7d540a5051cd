//! Ten servers are started in one instant.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use meshrpc_tests::{process::within, real::Agent};
use serde_json::Value;

use crate::place::{PROXIES, Place, each};

/// How long the agent and the servers may say different things.
const SETTLED: Duration = Duration::from_secs(15);

#[test]
fn drill_09_ten_servers_started_in_one_instant_are_all_listed() {
    // 1.22 loses a status when several services are registered at a time.
    each(PROXIES, async |place: Place| {
        let site = place.open().await;
        let names: Vec<String> = (0..10).map(|number| format!("ledger-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let instances = names.iter().map(|name| site.town.instance(name).start());
        // Each serves when its own id is listed.
        let started = tokio::time::timeout(SETTLED, join_all(instances));
        let instances = started.await.expect("all serve in time");
        assert_eq!(site.listed().await, names);
        within(SETTLED, "the agent and the catalog agree", async || {
            let (agent, catalog) = (of_agent(&site.agent).await, of_catalog(&site.agent).await);
            let passing = |status: &String| status == "passing";
            agent == catalog && agent.len() == 30 && agent.values().all(passing)
        })
        .await;
        let client = site.client().await;
        let known = meshrpc::Client::channel(&client).instances().len();
        assert_eq!(known, instances.len(), "each is met");
    });
}

/// What the agent itself says of the checks of `ledger` and its sidecars.
async fn of_agent(agent: &Agent) -> BTreeMap<String, String> {
    let checks = agent.json("/v1/agent/checks").await;
    let checks = checks.as_object().into_iter().flatten();
    statuses(checks.map(|(_, check)| check))
}

/// What its servers say, which is what clients are told.
async fn of_catalog(agent: &Agent) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for service in ["ledger", "ledger-sidecar-proxy"] {
        let checks = agent.json(&format!("/v1/health/checks/{service}")).await;
        all.extend(statuses(checks.as_array().into_iter().flatten()));
    }
    all
}

fn statuses<'a>(checks: impl Iterator<Item = &'a Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    checks
        .filter(|check| text(&check["ServiceName"]).starts_with("ledger"))
        .map(|check| (text(&check["CheckID"]), text(&check["Status"])))
        .collect()
}
