//! Ten servers are started in one instant.

use std::{collections::BTreeMap, fs, time::Duration};

use futures_util::future::join_all;
use meshrpc_tests::{
    process::{Instance, eventually, within},
    real::{Agent, Release},
};
use serde_json::Value;

use crate::{
    place::{Choice, PROXIES, Place, each},
    site::Site,
};

/// The release that loses a status when several services are registered at a time.
const FORGETFUL: &[Choice] = &[(Release::V1_22, false, "upstream")];

/// A registration with the check whose status is lost most often: the sidecar is as well as its
/// service is, and critical for a moment before that is known.
const WITH_ALIAS: &str = r#"{
    "ID": "${id}", "Name": "${service}", "Address": "${address}", "Port": "${port}",
    "Meta": {"meshrpc-instance": "${instance}", "meshrpc-epoch": "${epoch}"},
    "Checks": [{"CheckID": "${id}:ttl", "Name": "meshrpc", "TTL": "3s", "Status": "passing"}],
    "Connect": {"SidecarService": {"Port": "${sidecar_port}", "Checks": [
        {"CheckID": "${id}:sidecar-ttl", "Name": "sidecar", "TTL": "3s", "Status": "critical"},
        {"CheckID": "${id}:alias", "Name": "alias", "AliasService": "${id}"}]}}}"#;

/// How long the agent and the servers may say different things.
const SETTLED: Duration = Duration::from_secs(15);

#[test]
fn drill_09_ten_servers_started_in_one_instant_are_all_listed() {
    each(PROXIES, async |place: Place| {
        let site = place.open().await;
        let names: Vec<String> = (0..10).map(|number| format!("ledger-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let instances = all_of(&site, &names).await;
        within(SETTLED, "the agent and the catalog agree", async || {
            let (agent, catalog) = (of_agent(&site.agent).await, of_catalog(&site.agent).await);
            let passing = |status: &String| status == "passing";
            agent == catalog && agent.len() == 30 && agent.values().all(passing)
        })
        .await;
        let client = site.client().await;
        site.well(SETTLED).await;
        let known = meshrpc::Client::channel(&client).instances().len();
        assert_eq!(known, instances.len(), "each is met");
    });
}

#[test]
fn drill_09_a_status_that_is_lost_is_told_again() {
    each(FORGETFUL, async |place: Place| {
        let template = place.folder().join("template.json");
        fs::write(&template, WITH_ALIAS).expect("the folder can be written");
        let agent = place.agent().start().await;
        let options = format!("template={}", template.display());
        let site = place.open_with(agent, &options).await;
        let names: Vec<String> = (0..10).map(|number| format!("ledger-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        // A status that was lost would be for a minute or two.
        let instances = all_of(&site, &names).await;
        let logged = instances.iter().map(|at| at.logged("listed nowhere").len());
        eprintln!("{} statuses were told again", logged.sum::<usize>());
    });
}

/// Starts them all, which are listed soon after they are registered; each serves by then.
async fn all_of(site: &Site, names: &[&str]) -> Vec<Instance> {
    let started = join_all(names.iter().map(|name| site.town.instance(name).start()));
    let listed = async {
        eventually("all are registered", async || {
            let ids = site.agent.registered("ledger").await;
            ids.is_ok_and(|ids| ids.len() == names.len())
        })
        .await;
        site.lists(names, SETTLED).await;
    };
    let (started, ()) = tokio::join!(started, listed);
    started
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
