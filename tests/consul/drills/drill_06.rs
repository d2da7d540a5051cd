//! An intention denies what was allowed.

use std::time::Duration;

use meshrpc::{Call, Kind};
use meshrpc_tests::{
    ledger::Ledger as _,
    process::{Load, Method, cause, eventually, within},
};

use super::TASKS;
use crate::{
    doctor::PATIENCE,
    place::{EVERY, Place, each},
    site::answered_by,
};

#[test]
fn drill_06_a_denied_client_is_told_so_and_those_that_are_connected_go_on() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let [only] = site.town.start(["ledger-1"]).await;
        let client = site.client().await;
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS).slow();
        eventually("calls are made", async || load.ended() > 20).await;

        site.well(PATIENCE).await;
        let denial = site.agent.deny("*", "ledger").await;
        // Envoy is told after a moment.
        let (_mesh, newcomer) = site.newcomer("newcomer").await;
        let newcomer = newcomer.with(Call::new().deadline(Duration::from_secs(5)));
        eventually("it is denied", async || {
            let told = newcomer.who().await;
            told.is_err_and(|error| cause(&error).kind() == Kind::Denied)
        })
        .await;
        for _ in 0..3 {
            let error = newcomer.who().await.expect_err("it is denied");
            assert_eq!(cause(&error).kind(), Kind::Denied, "{error:#}");
        }
        let visit = site.doctor_of("newcomer").await;
        assert!(visit.names("newcomer → ledger", "denied"), "{visit:?}");
        assert!(site.doctor().await.names("client → ledger", "denied"));
        let ended = load.ended();
        eventually("others go on", async || load.ended() > ended + 20).await;

        site.agent.take_back(denial).await;
        within(Duration::from_secs(3), "it is allowed again", async || {
            newcomer.who().await.is_ok()
        })
        .await;
        site.well(PATIENCE).await;
        answered_by(&newcomer, only.pid()).await;
        let outcomes = load.stop().await;
        site.check_all_done(&outcomes);
    });
}
