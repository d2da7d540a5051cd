//! The agent is gone for a while.

use std::time::Duration;

use meshrpc::Kind;
use meshrpc_tests::process::{Load, Method, eventually};

use super::TASKS;
use crate::place::{EVERY, Place, each};

/// How long it is gone: checks expire meanwhile.
const GONE: Duration = Duration::from_secs(20);

#[test]
fn drill_04_calls_go_on_without_the_agent_and_the_list_comes_back_whole() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().kept().start().await;
        let mut site = place.open_at(agent).await;
        let _instances = site.town.start(["ledger-1", "ledger-2"]).await;
        let client = site.client().await;
        let ids = site.ids().await;
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS).slow();
        eventually("calls are made", async || load.ended() > 20).await;
        site.agent.kill();
        let newcomer = site.mesh("newcomer").await;
        let error = newcomer.expect_err("nobody can be asked");
        assert_eq!(error.kind(), Kind::Unavailable, "{error:#}");
        let ended = load.ended();
        tokio::time::sleep(GONE).await;
        assert!(load.ended() > ended + 100, "calls go on");

        site.agent.start_again();
        let names = ["ledger-1", "ledger-2"];
        site.lists(&names, Duration::from_secs(45)).await;
        assert_eq!(site.ids().await, ids, "nobody is a stranger");
        let third = site.town.instance("ledger-3").start().await;
        eventually("news arrives", async || load.answered_by(third.pid()) > 5).await;
        let outcomes = load.stop().await;
        site.check_all_done(&outcomes);
    });
}
