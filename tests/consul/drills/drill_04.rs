//! The agent is gone for a while.

use std::time::{Duration, Instant};

use meshrpc::{Call, Kind, Mesh, Started, client::balance::Balancing};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{Load, Method, cause, eventually},
    real,
};

use crate::{
    doctor::PATIENCE,
    place::{EVERY, Place, each},
};

/// Tasks that make calls: few, as they go on for minutes.
const TASKS: u64 = 2;
/// How long it is gone: checks expire meanwhile.
const GONE: Duration = Duration::from_secs(60);

#[test]
fn drill_04_calls_go_on_without_the_agent_and_the_list_comes_back_whole() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().kept().start().await;
        let mut site = place.open_at(agent).await;
        let _instances = site.town.start(["ledger-1", "ledger-2"]).await;
        let client = site.client().await;
        site.well(PATIENCE).await;
        let ids = site.ids().await;
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS).slow();
        eventually("calls are made", async || load.ended() > 20).await;
        let (mut mesh, other) = site.newcomer("another").await;
        other.who().await.expect("it is let in");
        site.agent.kill();
        let newcomer = site.mesh("newcomer").await;
        let error = newcomer.expect_err("nobody can be asked");
        assert_eq!(error.kind(), Kind::Unavailable, "{error:#}");
        let back = Instant::now() + GONE;
        let (ended, mut visits) = (load.ended(), 0);
        while Instant::now() < back || visits < 3 {
            let visit = site.doctor().await;
            assert!(visit.names("", "agent-unreachable"), "{visit:?}");
            assert_eq!(visit.code, Some(1), "{visit:?}");
            visits += 1;
            mesh = connects_anew(mesh, site.kind).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        assert!(load.ended() > ended + 300, "calls go on");

        site.agent.start_again();
        let names = ["ledger-1", "ledger-2"];
        site.lists(&names, Duration::from_secs(45)).await;
        // What the servers remember is listed first, and then what the agent has looked at itself.
        eventually("nobody is a stranger", async || site.ids().await == ids).await;
        site.well(PATIENCE).await;
        let third = site.town.instance("ledger-3").start().await;
        eventually("news arrives", async || load.answered_by(third.pid()) > 5).await;
        let outcomes = load.stop().await;
        site.check_all_done(&outcomes);
    });
}

/// Calls over connections that are new, to instances that are known from before. Envoy lets them
/// pass; the built-in proxy asks the agent for each, and lets none.
async fn connects_anew(mesh: Mesh, kind: real::Kind) -> Mesh {
    // Other settings take other connections.
    let mesh = mesh.balancing(Balancing::default());
    let client = LedgerClient::connect(&mesh, "ledger");
    let client = client.with(Call::new().deadline(Duration::from_secs(10)));
    let told = client.who().await;
    match kind {
        real::Kind::Envoy(_) => {
            told.expect("it is let in");
        }
        real::Kind::BuiltIn => {
            let error = told.expect_err("nobody is let in");
            assert_eq!(cause(&error).kind(), Kind::Unavailable, "{error:#}");
            assert_eq!(cause(&error).started(), Started::No, "{error:#}");
        }
    }
    mesh
}
