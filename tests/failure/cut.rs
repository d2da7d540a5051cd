//! `kill -9` in the middle of a message, at a byte that the test names.

use meshrpc::{Call, Kind, Mesh, Started, testing::Direction};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{Damage, Proxy, Town, alone, cause},
};

use crate::LEDGER;

/// Well within a message of many chunks, and past its first.
const MIDDLE: u64 = 1 << 20;

#[test]
fn fault_22_a_call_whose_reply_is_cut_by_a_kill_fails_at_once_and_says_that_it_ran() {
    alone(LEDGER, async |town: Town| {
        let mut instance = town.instance("ledger-1").start().await;
        let proxy = Proxy::before(&instance).await;
        proxy.damage_next(Direction::ToClient, Damage::Stop(MIDDLE));
        let url = format!("static:ledger={}", proxy.address());
        let mesh = Mesh::open(&url).await.expect("a mesh");
        let client = LedgerClient::connect(&mesh, "ledger");
        let call = tokio::spawn(async move {
            // Nothing but the loss can end it.
            let client = client.with(Call::new().no_deadline());
            client.fetch(4 * MIDDLE).await
        });
        proxy.has_struck(1).await;
        instance.kill();
        let error = call.await.expect("no panic").expect_err("it was cut");
        let cause = cause(&error);
        assert_eq!(
            (cause.kind(), cause.started()),
            (Kind::Unavailable, Started::Yes),
            "{error:#}"
        );
        let found_by_silence = format!("{error:#}").contains("ping");
        assert!(!found_by_silence, "not at once: {error:#}");
        assert!(town.has_entry("fetch", 4 * MIDDLE));
    });
}

#[test]
fn fault_22_a_call_whose_request_is_cut_by_a_kill_runs_at_the_other_instance_alone() {
    alone(LEDGER, async |town: Town| {
        let [mut first, second] = town.start(["ledger-1", "ledger-2"]).await;
        let proxy = Proxy::before(&first).await;
        proxy.damage_next(Direction::ToServer, Damage::Stop(MIDDLE));
        let url = format!("static:ledger={}|{}", proxy.address(), second.address());
        let mesh = Mesh::open(&url).await.expect("a mesh");
        let client = town.client_of(&mesh).await;
        let ballast = vec![7; 16 << 20];
        let calls = (0..2).map(|call| {
            let (client, ballast) = (client.clone(), ballast.clone());
            tokio::spawn(async move { client.add(call, 0, &ballast).await })
        });
        let calls: Vec<_> = calls.collect();
        proxy.has_struck(1).await;
        first.kill();
        for call in calls {
            let who = call.await.expect("no panic").expect("it is answered");
            assert_eq!(who.name, "ledger-2");
        }
        let entries = town.entries();
        assert_eq!(entries.len(), 2, "{entries:?}");
        assert!(entries.iter().all(|entry| entry.by.name == "ledger-2"));
    });
}
