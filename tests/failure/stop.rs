//! SIGTERM under load: not one failed call, and each ran once.

use meshrpc::Call;
use meshrpc_tests::process::{Town, alone, eventually};

use crate::{
    LEDGER,
    load::{Load, Method, check, failures},
};

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
fn rolling_restarts_fail_no_call() {
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
