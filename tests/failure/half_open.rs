//! A machine that is gone without a word, between network namespaces: no packet says so.

use meshrpc::{Kind, Started};
use meshrpc_tests::{
    ledger::Ledger as _,
    process::{Town, apart, cause, eventually},
};

use crate::LEDGER;

#[test]
fn fault_01_a_machine_that_is_gone_is_found_by_silence_on_both_sides() {
    apart(LEDGER, async |town: Town| {
        let instance = town.instance("ledger-1").of_its_own_network().start().await;
        let client = town.client().await;
        let held = tokio::spawn({
            let client = client.clone();
            async move { client.hold(1).await }
        });
        eventually("it runs", async || town.has_entry("begun", 1)).await;
        instance.unplug();
        let error = held.await.expect("no panic").expect_err("it never answers");
        let lost = cause(&error);
        assert_eq!(
            (lost.kind(), lost.started()),
            (Kind::Unavailable, Started::Unknown),
            "{error:#}"
        );
        assert!(format!("{error:#}").contains("ping"), "{error:#}");
        eventually("its handler ends", async || town.has_entry("dropped", 1)).await;
        instance.plug_in();
        client.who().await.expect("it is found again");
    });
}
