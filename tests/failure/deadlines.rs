//! Deadlines, and callers that go, through calls that call.

use std::time::Duration;

use meshrpc::{Call, Kind, Started};
use meshrpc_tests::{
    ledger::Ledger as _,
    process::{Town, alone, cause, eventually},
};

use crate::LEDGER;

#[test]
fn a_nested_call_has_at_most_what_is_left_of_the_outer_one() {
    alone(LEDGER, async |town: Town| {
        let _inner = town.instance("inner-1").of("inner").start().await;
        let _outer = town.instance("ledger-1").start().await;
        let client = town.client().await;
        let minute = Call::new().deadline(Duration::from_secs(60));
        let left = client.with(minute).relay_time_left("inner").await;
        let [Some(outer), Some(inner)] = left.expect("it answers") else {
            panic!("a deadline was lost");
        };
        assert!(outer <= 60_000, "{outer} ms are left of a minute");
        assert!(inner <= outer, "{inner} ms are left of {outer} ms");
    });
}

#[test]
fn a_deadline_ends_the_handlers_of_the_whole_chain() {
    alone(LEDGER, async |town: Town| {
        let _inner = town.instance("inner-1").of("inner").start().await;
        let _outer = town.instance("ledger-1").start().await;
        let client = town.client().await;
        let second = Call::new().deadline(Duration::from_secs(1));
        let error = client.with(second).relay_hold("inner", 7).await;
        let error = error.expect_err("it never answers");
        assert_eq!(cause(&error).kind(), Kind::DeadlineExceeded, "{error:#}");
        assert_ne!(cause(&error).started(), Started::No, "{error:#}");
        eventually("the inner handler ends", async || {
            town.has_entry("dropped", 7)
        })
        .await;
    });
}

#[test]
fn dropping_a_call_drops_its_handler() {
    alone(LEDGER, async |town: Town| {
        let _instance = town.instance("ledger-1").start().await;
        let client = town.client().await;
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.hold(1).await }
        });
        eventually("it runs", async || town.has_entry("begun", 1)).await;
        call.abort();
        eventually("its handler ends", async || town.has_entry("dropped", 1)).await;
        assert_eq!(client.counts().await.expect("it goes on").connections, 1);
    });
}

#[test]
fn dropping_a_call_drops_the_handlers_it_waits_for() {
    alone(LEDGER, async |town: Town| {
        let _inner = town.instance("inner-1").of("inner").start().await;
        let _outer = town.instance("ledger-1").start().await;
        let client = town.client().await;
        let call = tokio::spawn(async move { client.relay_hold("inner", 2).await });
        eventually("it runs", async || town.has_entry("begun", 2)).await;
        call.abort();
        eventually("the inner handler ends", async || {
            town.has_entry("dropped", 2)
        })
        .await;
    });
}

#[test]
fn a_client_that_is_killed_drops_its_handlers() {
    alone(LEDGER, async |town: Town| {
        let _inner = town.instance("inner-1").of("inner").start().await;
        let mut outer = town.instance("ledger-1").start().await;
        let client = town.client().await;
        let call = tokio::spawn(async move { client.relay_hold("inner", 3).await });
        eventually("it runs", async || town.has_entry("begun", 3)).await;
        outer.kill();
        eventually("the inner handler ends", async || {
            town.has_entry("dropped", 3)
        })
        .await;
        let ended = call.await.expect("no panic");
        ended.expect_err("its instance was killed");
    });
}
