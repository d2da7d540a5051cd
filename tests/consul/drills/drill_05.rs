//! An agent that keeps nothing is restarted.

use std::time::Duration;

use meshrpc_tests::process::{Load, Method, eventually, within};

use super::TASKS;
use crate::{
    doctor::PATIENCE,
    place::{EVERY, Place, each},
};

#[test]
fn drill_05_what_a_restarted_agent_forgot_it_is_told_again() {
    each(EVERY, async |place: Place| {
        let mut site = place.open().await;
        let _instances = site.town.start(["ledger-1", "ledger-2"]).await;
        let client = site.client().await;
        let (servers, clients) = (site.ids().await, registered_clients(&site).await);
        assert_eq!((servers.len(), clients.len()), (2, 1));
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS);
        eventually("calls are made", async || load.ended() > 200).await;
        site.agent.kill();
        let visit = site.doctor().await;
        assert!(visit.names("", "agent-unreachable"), "{visit:?}");
        site.agent.start_again();
        site.agent.is_ready().await;
        let cap = Duration::from_secs(15);
        within(cap, "it knows all again, under the same ids", async || {
            site.ids().await == servers && registered_clients(&site).await == clients
        })
        .await;
        site.well(PATIENCE).await;
        let third = site.town.instance("ledger-3").start().await;
        eventually("news arrives", async || load.answered_by(third.pid()) > 50).await;
        let outcomes = load.stop().await;
        site.check_all_done(&outcomes);
    });
}

async fn registered_clients(site: &crate::site::Site) -> Vec<String> {
    let ids = site.agent.registered("client").await;
    ids.unwrap_or_default()
}
