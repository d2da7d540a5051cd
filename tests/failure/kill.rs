//! `kill -9` under load.

use meshrpc::{Call, Started};
use meshrpc_tests::{
    ledger::Ledger as _,
    process::{Load, Method, Town, alone, cause, check, eventually, failed_at, failures},
};
use tokio::task::JoinSet;

use crate::LEDGER;

const TASKS: u64 = 16;

#[test]
fn calls_at_a_killed_instance_say_whether_they_ran_and_no_later_one_goes_there() {
    alone(LEDGER, async |town: Town| killed(&town, 0).await);
}

#[test]
fn fault_22_a_call_whose_request_was_half_sent_to_a_killed_instance_did_not_run() {
    alone(LEDGER, async |town: Town| killed(&town, 400_000).await);
}

/// Kills one of three instances under a load of calls that must not be repeated.
async fn killed(town: &Town, ballast: usize) {
    let [_first, mut second, _third] = town.start(["ledger-1", "ledger-2", "ledger-3"]).await;
    let client = town.client().await.with(Call::new().retries(false));
    let load = Load::start(&client, Method::Add { ballast }, TASKS);
    eventually("the instance has work", async || {
        load.answered_by(second.pid()) > 200
    })
    .await;
    second.kill();
    let ended = load.ended();
    eventually("calls go on", async || load.ended() > ended + 600).await;
    let outcomes = load.stop().await;

    check(&outcomes, &town.entries());
    // A task that was told of the loss is never sent to the dead instance again.
    failed_at(&["ledger-2"], TASKS, &outcomes);
}

#[test]
fn fault_22_every_call_under_way_at_a_killed_instance_ends() {
    alone(LEDGER, async |town: Town| {
        let mut instance = town.instance("ledger-1").start().await;
        let client = town.client().await;
        let mut held = JoinSet::new();
        for call in 0..20 {
            let client = client.clone();
            held.spawn(async move { client.hold(call).await });
        }
        eventually("all are under way", async || town.entries().len() == 20).await;
        instance.kill();
        while let Some(ended) = held.join_next().await {
            let error = ended.expect("no panic").expect_err("it never answers");
            assert_eq!(cause(&error).started(), Started::Unknown, "{error:#}");
            assert_eq!(cause(&error).instance(), Some("ledger-1"), "{error:#}");
        }
    });
}

#[test]
fn no_idempotent_call_fails() {
    alone(LEDGER, async |town: Town| {
        let [_first, mut second, _third] = town.start(["ledger-1", "ledger-2", "ledger-3"]).await;
        let client = town.client().await;
        let load = Load::start(&client, Method::Lookup, TASKS);
        for _ in 0..3 {
            eventually("the instance has work", async || {
                load.answered_by(second.pid()) > 100
            })
            .await;
            second.kill();
            second = town.instance("ledger-2").start().await;
        }
        eventually("its successor has work", async || {
            load.answered_by(second.pid()) > 100
        })
        .await;
        let outcomes = load.stop().await;
        assert!(failures(&outcomes).is_empty(), "{:?}", failures(&outcomes));
    });
}

#[test]
fn a_successor_gets_its_share() {
    alone(LEDGER, async |town: Town| {
        let [_first, mut second] = town.start(["ledger-1", "ledger-2"]).await;
        let client = town.client().await;
        // One after the other, as in a crash loop.
        for _ in 0..5 {
            second.kill();
            second = town.instance("ledger-2").start().await;
            eventually("the successor answers", async || {
                let who = client.who().await.expect("somebody answers");
                who.pid == second.pid()
            })
            .await;
            let mut share = 0;
            for _ in 0..20 {
                let who = client.who().await.expect("it answers");
                share += u32::from(who.pid == second.pid());
            }
            assert_eq!(share, 10);
        }
    });
}
