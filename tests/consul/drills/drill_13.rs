//! The servers cannot be reached from the agent.

use std::time::Duration;

use meshrpc_tests::{
    process::{Load, Method, eventually, own_network},
    real::Host,
};

use super::TASKS;
use crate::place::{EVERY, Place, each_within};

/// How long they cannot be.
const GONE: Duration = Duration::from_secs(40);

#[test]
fn drill_13_calls_go_on_while_no_server_can_be_reached_and_news_arrives_afterwards() {
    let Some(wrapper) = own_network() else {
        return;
    };
    each_within(wrapper, EVERY, async |place: Place| {
        let host = Host::new(1);
        let server = place.agent().kept().on(&host).start().await;
        let agent = place.agent().beside(&server).met_at(host.near());
        let site = place.open_at(agent.start().await).await;
        let _instances = site.town.start(["ledger-1", "ledger-2"]).await;
        let client = site.client().await;
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS).slow();
        eventually("calls are made", async || load.ended() > 20).await;
        host.unplug();
        let ended = load.ended();
        let gone = tokio::time::Instant::now();
        site.named("", "no-leader", GONE).await;
        tokio::time::sleep_until(gone + GONE).await;
        assert!(load.ended() > ended + 200, "calls go on");
        host.plug_in();
        site.lists(&["ledger-1", "ledger-2"], Duration::from_secs(45))
            .await;
        site.well(Duration::from_secs(15)).await;
        let third = site.town.instance("ledger-3").start().await;
        eventually("news arrives", async || load.answered_by(third.pid()) > 5).await;
        let outcomes = load.stop().await;
        site.check_all_done(&outcomes);
    });
}
