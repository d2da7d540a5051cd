//! An instance is told to stop while calls are made.

use meshrpc_tests::process::{Load, Method, eventually};

use crate::place::{EVERY, Place, each};

#[test]
fn an_instance_that_is_told_to_stop_fails_no_call() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let names = ["ledger-1", "ledger-2", "ledger-3"];
        let [first, second, _third] = site.town.start(names).await;
        let client = site.client().await;
        let load = Load::start(&client, Method::Add { ballast: 100_000 }, 8);
        eventually("it has work", async || load.answered_by(second.pid()) > 50).await;
        second.terminate();
        assert!(second.ended().await.success());
        let answered = load.answered_by(first.pid());
        eventually("others go on", async || {
            load.answered_by(first.pid()) > answered + 50
        })
        .await;
        let outcomes = load.stop().await;
        site.check_all_done(&outcomes);
    });
}
