//! What the registry says is not so.

use std::time::Duration;

use meshrpc_tests::{
    ledger::Ledger as _,
    process::{Load, Method, eventually},
    real::free,
};
use serde_json::json;

use crate::{
    place::{EVERY, Place, WAYS, each},
    site::{Site, dialled},
};

#[test]
fn calls_pass_by_an_instance_that_is_listed_and_dead() {
    each(WAYS, async |place: Place| dead(&place.open().await).await);
}

async fn dead(site: &Site) {
    ghost(site, free()).await;
    let [only] = site.town.start(["ledger-1"]).await;
    site.lists(&["ghost", "ledger-1"], Duration::from_secs(9))
        .await;
    passes_by(site, only.pid()).await;
}

#[test]
fn calls_pass_by_a_registration_whose_port_another_service_has() {
    each(WAYS, async |place: Place| taken(&place.open().await).await);
}

async fn taken(site: &Site) {
    let _other = site.town.instance("other-1").of("other").start().await;
    ghost(site, dialled(site, "other").await).await;
    let [only] = site.town.start(["ledger-1"]).await;
    site.lists(&["ghost", "ledger-1"], Duration::from_secs(9))
        .await;
    passes_by(site, only.pid()).await;
}

#[test]
fn an_instance_that_is_listed_no_more_gets_no_calls_though_it_lives() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let [first, second] = site.town.start(["ledger-1", "ledger-2"]).await;
        let client = site.client().await;
        let load = Load::start(&client, Method::Add { ballast: 0 }, 4).slow();
        eventually("it has work", async || load.answered_by(second.pid()) > 5).await;
        let ids = site.ids().await;
        let pid = format!("-{}-", second.pid());
        let id = ids
            .iter()
            .find(|id| id.contains(&pid))
            .expect("it is listed");
        let check = json!({
            "ID": "by-hand", "Name": "by hand", "ServiceID": format!("{id}-sidecar-proxy"),
            "TTL": "10m", "Status": "critical",
        });
        site.agent.put("/v1/agent/check/register", &check).await;
        eventually("it gets none", async || {
            let (before, rest) = (
                load.answered_by(second.pid()),
                load.answered_by(first.pid()),
            );
            eventually("calls go on", async || {
                load.answered_by(first.pid()) > rest + 50
            })
            .await;
            load.answered_by(second.pid()) == before
        })
        .await;
        site.agent
            .put("/v1/agent/check/deregister/by-hand", &json!({}))
            .await;
        let before = load.answered_by(second.pid());
        eventually("it gets some", async || {
            load.answered_by(second.pid()) > before
        })
        .await;
        let outcomes = load.stop().await;
        site.check_all_done(&outcomes);
    });
}

/// Registers an instance of `ledger` that is not there.
pub(crate) async fn ghost(site: &Site, port: u16) {
    let passing = |id: &str| json!([{"CheckID": format!("{id}:ttl"), "Name": id, "TTL": "10m", "Status": "passing"}]);
    let service = json!({
        "ID": "ghost", "Name": "ledger", "Address": "127.0.0.1", "Port": port,
        "Meta": {"meshrpc-instance": "ghost", "meshrpc-epoch": "1"},
        "Checks": passing("ghost"),
        "Connect": {"SidecarService": {"Port": port, "Checks": passing("ghost-sidecar")}},
    });
    let path = "/v1/agent/service/register?replace-existing-checks=true";
    site.agent.put(path, &service).await;
}

/// Every call is answered by this process.
async fn passes_by(site: &Site, pid: u32) {
    let (_mesh, client) = site.newcomer("newcomer").await;
    client.wait_ready().await.expect("one can be reached");
    for _ in 0..200 {
        assert_eq!(client.who().await.expect("it answers").pid, pid);
    }
}
