//! There is no port, or no connection to the agent, left.

use std::{
    net::{TcpListener, TcpStream},
    time::Duration,
};

use meshrpc::Kind;
use meshrpc_tests::{process::eventually, real::free_range};

use crate::place::{EVERY, Place, RELEASES, each};

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
fn drill_12_an_agent_that_takes_no_more_connections_is_a_typed_error() {
    each(RELEASES, async |place: Place| {
        let site = place.open().await;
        // Two hundred are what an agent takes from one address.
        let connect = |_| TcpStream::connect(site.agent.http()).expect("it listens");
        let many: Vec<TcpStream> = (0..250).map(connect).collect();
        let error = site.mesh("newcomer").await.expect_err("it is not heard");
        assert_eq!(error.kind(), Kind::Unavailable, "{error:#}");
        drop(many);
        eventually("it is heard", async || site.mesh("newcomer").await.is_ok()).await;
    });
}
