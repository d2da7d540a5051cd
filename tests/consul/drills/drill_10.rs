//! The mesh's certificate authority gets another key, and everybody another certificate.

use std::{collections::BTreeSet, fs, time::Duration};

use meshrpc_tests::{
    process::{Load, Method, eventually, within},
    real::{Agent, Kind},
};
use serde_json::{Value, json};

use super::TASKS;
use crate::{
    place::{CERTIFIED, Place, each},
    site::{Site, answered_by},
};

#[test]
fn drill_10_new_certificates_for_all_fail_no_call() {
    each(CERTIFIED, async |place: Place| {
        let agent = place.agent().start().await;
        let kind = place.kind;
        let options = match kind {
            Kind::BuiltIn => "proxy=builtin",
            // It cuts connections four seconds after their certificates were replaced.
            Kind::Envoy(_) => "proxy=envoy&drain=4",
        };
        let options = format!("{options}&via={}", place.via);
        let site = place.open_with(agent, &options).await;
        let [first, _second] = site.town.start(["ledger-1", "ledger-2"]).await;
        let client = site.client().await;
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS).slow();
        eventually("calls are made", async || load.ended() > 20).await;
        let dialled = match site.via {
            "instance" => sidecars(&site).await,
            _ => BTreeSet::from([upstream(&site).await]),
        };
        let before = connections(&dialled);
        assert!(before.len() >= 2, "{before:?}");

        rotate(&site.agent).await;
        if let Kind::Envoy(_) = kind {
            let cap = Duration::from_secs(30);
            within(cap, "every connection is replaced", async || {
                let now = connections(&dialled);
                now.len() >= 2 && now.is_disjoint(&before)
            })
            .await;
        }
        site.well(Duration::from_secs(30)).await;
        // Who was there before shows another certificate from now on, and so does who comes.
        let third = site.town.instance("ledger-3").start().await;
        eventually("news arrives", async || load.answered_by(third.pid()) > 5).await;
        let (_mesh, newcomer) = site.newcomer("newcomer").await;
        answered_by(&newcomer, first.pid()).await;
        let ended = load.ended();
        eventually("calls go on", async || load.ended() > ended + 100).await;
        let outcomes = load.stop().await;
        site.check_all_done(&outcomes);
    });
}

/// Gives the authority another key.
async fn rotate(agent: &Agent) {
    let key = rcgen::KeyPair::generate().expect("a key can be made");
    let configuration = json!({
        "Provider": "consul",
        "Config": {"PrivateKey": key.serialize_pem(), "LeafCertTTL": "72h"},
    });
    let path = "/v1/connect/ca/configuration";
    agent.put(path, &configuration).await;
    eventually("there is another root", async || {
        let roots = agent.json("/v1/agent/connect/ca/roots").await;
        roots["Roots"].as_array().map(Vec::len) == Some(2)
    })
    .await;
}

/// Where this process's sidecar takes connections to `ledger`.
async fn upstream(site: &Site) -> u16 {
    let ids = site.agent.registered("client").await.expect("it says");
    let path = format!("/v1/agent/service/{}-sidecar-proxy", ids[0]);
    let sidecar = site.agent.json(&path).await;
    let upstreams = sidecar["Proxy"]["Upstreams"].as_array().cloned();
    let to_ledger = |upstream: &Value| {
        let port = upstream["LocalBindPort"].as_u64()?;
        (upstream["DestinationName"] == "ledger").then_some(port)
    };
    let port = upstreams.iter().flatten().find_map(to_ledger);
    let port = port.and_then(|port| u16::try_from(port).ok());
    port.expect("there is one")
}

/// Where the sidecars of `ledger` take connections.
async fn sidecars(site: &Site) -> BTreeSet<u16> {
    let listed = site.agent.json("/v1/health/connect/ledger?passing").await;
    let ports = listed.as_array().into_iter().flatten();
    let ports = ports.filter_map(|entry| entry["Service"]["Port"].as_u64());
    ports.filter_map(|port| u16::try_from(port).ok()).collect()
}

/// The connections that this machine has to one of `ports`, by their ports here.
fn connections(ports: &BTreeSet<u16>) -> BTreeSet<u16> {
    let table = fs::read_to_string("/proc/net/tcp").expect("the system has a table");
    let remotes: Vec<String> = ports.iter().map(|port| format!(":{port:04X}")).collect();
    let established = table.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, local, to, "01", ..] = words[..] else {
            return None;
        };
        let (_, port) = local.split_once(':')?;
        let is_one = remotes.iter().any(|remote| to.ends_with(remote));
        is_one.then(|| u16::from_str_radix(port, 16).ok())?
    });
    established.collect()
}
