//! SIGTERM under load: not one failed call, and each ran once.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use meshrpc::{Call, Mesh};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{Load, Method, Town, alone, check, eventually, failures},
};
use tokio::task::JoinSet;

use crate::LEDGER;

/// Restarts each of three instances in turn, `rounds` times, under a load of calls that must not
/// be repeated.
async fn rolling(town: &Town, method: Method, tasks: u64, streams: &str, rounds: usize) {
    let names = ["ledger-1", "ledger-2", "ledger-3"];
    let start = async |name| {
        let instance = town.instance(name).env("LEDGER_STREAMS", streams);
        instance.start().await
    };
    let mut instances = Vec::new();
    for name in names {
        instances.push(start(name).await);
    }
    let client = town.client().await.with(Call::new().retries(false));
    let load = Load::start(&client, method, tasks);
    for round in 0..rounds {
        for (at, name) in names.into_iter().enumerate() {
            eventually("the instance has work", async || {
                load.answered_by(instances[at].pid()) > 30
            })
            .await;
            instances[at].terminate();
            let stopped = instances.remove(at);
            assert!(stopped.ended().await.success(), "round {round}: {name}");
            instances.insert(at, start(name).await);
        }
    }
    let outcomes = load.stop().await;
    assert!(failures(&outcomes).is_empty(), "{:?}", failures(&outcomes));
    check(&outcomes, &town.entries());
}

#[test]
fn fault_24_rolling_restarts_fail_no_call() {
    alone(LEDGER, async |town: Town| {
        rolling(&town, Method::Add { ballast: 0 }, 12, "1024", 3).await;
    });
}

#[test]
fn rolling_restarts_fail_no_call_that_waits_for_its_turn() {
    alone(LEDGER, async |town: Town| {
        rolling(&town, Method::Add { ballast: 0 }, 30, "2", 2).await;
    });
}

#[test]
fn rolling_restarts_fail_no_call_whose_request_is_half_sent() {
    alone(LEDGER, async |town: Town| {
        rolling(&town, Method::Add { ballast: 400_000 }, 6, "1024", 2).await;
    });
}

#[test]
fn calls_that_wait_for_their_turn_move_to_another_instance() {
    alone(LEDGER, async |town: Town| {
        let first = town.instance("ledger-1").env("LEDGER_STREAMS", "1");
        let first = first.start().await;
        let client = town.client().await.with(Call::new().retries(false));
        let mut calls = JoinSet::new();
        for call in 0..5 {
            let client = client.clone();
            calls.spawn(async move { client.add(call, 1000, &[]).await });
        }
        eventually("one runs", async || town.entries().len() == 1).await;
        let second = town.instance("ledger-2").start().await;
        client.wait_ready_all().await.expect("both can be reached");
        first.terminate();
        let mut by = BTreeMap::<u32, usize>::new();
        while let Some(ended) = calls.join_next().await {
            let who = ended.expect("no panic").expect("no call fails");
            *by.entry(who.pid).or_default() += 1;
        }
        assert_eq!(by, BTreeMap::from([(first.pid(), 1), (second.pid(), 4)]));
        assert!(first.ended().await.success());
    });
}

#[test]
fn the_only_instance_can_be_replaced() {
    alone(LEDGER, async |town: Town| {
        let first = town.instance("ledger-1").start().await;
        let client = town.client().await.with(Call::new().retries(false));
        let load = Load::start(&client, Method::Add { ballast: 0 }, 8);
        eventually("it has work", async || load.answered_by(first.pid()) > 50).await;
        // The next one is there before this one goes.
        let second = town.instance("ledger-2").start().await;
        first.terminate();
        assert!(first.ended().await.success());
        eventually("the next has work", async || {
            load.answered_by(second.pid()) > 50
        })
        .await;
        let outcomes = load.stop().await;
        assert!(failures(&outcomes).is_empty(), "{:?}", failures(&outcomes));
        check(&outcomes, &town.entries());
    });
}

#[test]
fn clients_that_come_while_instances_stop_fail_no_call() {
    alone(LEDGER, async |town: Town| {
        let names = ["ledger-1", "ledger-2"];
        let mut instances = Vec::from(town.start(names).await);
        let restarted = AtomicBool::new(false);
        // Each of these dials anew, and may meet a server at any moment of its end.
        let newcomers = async {
            let mut calls = 0;
            while !restarted.load(Ordering::Relaxed) {
                let mesh = Mesh::from_env().await.expect("the mesh can be joined");
                let client =
                    LedgerClient::connect(&mesh, "ledger").with(Call::new().retries(false));
                for _ in 0..3 {
                    client.add(calls, 0, &[]).await.expect("no call fails");
                    calls += 1;
                }
            }
            calls
        };
        let restarts = async {
            for _ in 0..4 {
                for (at, name) in names.into_iter().enumerate() {
                    instances[at].terminate();
                    let stopped = instances.remove(at);
                    assert!(stopped.ended().await.success(), "{name}");
                    instances.insert(at, town.instance(name).start().await);
                }
            }
            restarted.store(true, Ordering::Relaxed);
        };
        let (calls, ()) = tokio::join!(newcomers, restarts);
        let entries = town.entries();
        assert_eq!(entries.len() as u64, calls, "each ran once");
    });
}
