//! There is no port, or no connection to the agent, left.

use std::{
    net::{TcpListener, TcpStream},
    time::Duration,
};

use meshrpc::Kind;
use meshrpc_tests::{ledger::Ledger as _, process::eventually, real::free_range};
use serde_json::json;

use crate::place::{EVERY, Place, each};

#[test]
fn drill_12_a_taken_port_is_replaced_and_without_any_nothing_is_left_registered() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let ports = free_range(2);
        let (first, second) = (*ports.start(), *ports.end());
        let url = format!("{}&ports={first}-{second}", site.url());
        let _taken = TcpListener::bind(("127.0.0.1", first)).expect("it is free");
        let start = site.town.instance("ledger-1").env("MESHRPC_MESH", &url);
        let _instance = start.start().await;
        site.lists(&["ledger-1"], Duration::from_secs(9)).await;

        let start = site.town.instance("ledger-2").env("MESHRPC_MESH", &url);
        let told = start.fails().await;
        assert!(told.contains("port"), "{told}");
        assert_eq!(
            site.agent
                .registered("ledger")
                .await
                .expect("it says")
                .len(),
            1
        );
    });
}

#[test]
fn drill_12_an_agent_that_has_no_port_left_for_a_sidecar_is_asked_for_none() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().sidecar_ports(1).start().await;
        // Somebody else has the one that there is.
        let path = "/v1/agent/service/register";
        for (id, status) in [("other-1", 200), ("other-2", 500)] {
            let other = json!({
                "ID": id, "Name": "other", "Port": 7, "Connect": {"SidecarService": {}},
            });
            let reply = agent.ask(http::Method::PUT, path, None, Some(&other));
            let reply = reply.await.expect("it answers");
            assert_eq!(reply.status, status, "{id}: {}", reply.text);
        }
        let site = place.open_at(agent).await;
        let [only] = site.town.start(["ledger-1"]).await;
        let client = site.client().await;
        assert_eq!(client.who().await.expect("it answers").pid, only.pid());
    });
}

#[test]
fn drill_12_an_agent_that_takes_no_more_connections_is_a_typed_error() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        // Two hundred are what an agent takes from one address.
        let connect = |_| TcpStream::connect(site.agent.http()).expect("it listens");
        let many: Vec<TcpStream> = (0..250).map(connect).collect();
        let error = site.mesh("newcomer").await.expect_err("it is not heard");
        assert_eq!(error.kind(), Kind::Unavailable, "{error:#}");
        let visit = site.doctor().await;
        assert!(visit.names("", "agent-busy"), "{visit:?}");
        drop(many);
        eventually("it is heard", async || site.mesh("newcomer").await.is_ok()).await;
    });
}
