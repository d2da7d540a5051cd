//! Handlers that fail or panic.

use meshrpc::{Code, Kind, Started};
use meshrpc_tests::{
    ledger::Ledger as _,
    process::{Town, alone, cause, eventually},
};

use crate::LEDGER;

#[test]
fn fault_25_a_panic_is_one_failed_call() {
    alone(LEDGER, async |town: Town| {
        let instance = town.instance("ledger-1").start().await;
        let client = town.client().await;
        let held = tokio::spawn({
            let client = client.clone();
            async move { client.add(1, 300, &[]).await }
        });
        eventually("a call is under way", async || town.has_entry("add", 1)).await;

        let error = client.panic().await.expect_err("it panics");
        let panicked = cause(&error);
        assert_eq!(panicked.code(), Code::Internal, "{error:#}");
        assert_eq!(panicked.started(), Started::Yes, "{error:#}");
        assert!(!panicked.relayed(), "{error:#}");
        assert_eq!(panicked.instance(), Some("ledger-1"), "{error:#}");
        assert_eq!(panicked.attempts(), 1, "{error:#}");

        held.await.expect("no panic").expect("it is not concerned");
        client.who().await.expect("the instance goes on");
        let counts = client.counts().await.expect("the instance goes on");
        assert_eq!((counts.panics, counts.connections), (1, 1));
        assert_eq!(instance.logged("handler panicked").len(), 1);
    });
}

#[test]
fn a_failed_call_says_that_it_ran() {
    alone(LEDGER, async |town: Town| {
        let _instance = town.instance("ledger-1").start().await;
        let error = town.client().await.fail().await.expect_err("it fails");
        assert_eq!(error.to_string(), "the books do not balance");
        let cause = cause(&error);
        assert_eq!(
            (cause.kind(), cause.started()),
            (Kind::Remote, Started::Yes)
        );
    });
}

#[test]
fn an_error_that_is_passed_on_says_so() {
    alone(LEDGER, async |town: Town| {
        let _inner = town.instance("inner-1").of("inner").start().await;
        let _outer = town.instance("ledger-1").start().await;
        let client = town.client().await;
        for (deployment, code) in [("inner", Code::Internal), ("nobody", Code::Unavailable)] {
            let error = client.relay_panic(deployment).await;
            let error = error.expect_err("its own call fails");
            let cause = cause(&error);
            // Whatever the callee's callee did, this method ran.
            assert_eq!(cause.started(), Started::Yes, "{deployment}: {error:#}");
            assert!(cause.relayed(), "{deployment}: {error:#}");
            assert_eq!(cause.code(), code, "{deployment}: {error:#}");
            assert_eq!(
                cause.instance(),
                Some("ledger-1"),
                "{deployment}: {error:#}"
            );
        }
    });
}
