//! Large bodies, and small calls beside them on the same connection.

use std::sync::atomic::{AtomicU64, Ordering};

use meshrpc::{Call, Kind, Limit, Started};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{CAP, Town, alone, cause, eventually},
};

/// The service under test.
const LEDGER: &str = env!("CARGO_BIN_EXE_ledger");

const LARGE: u64 = 64 << 20;
/// More than a server or a client takes unless told otherwise.
const TOO_LARGE: u64 = (128 << 20) + 1;

/// Small calls that are answered while `large` runs.
async fn beside<T>(client: &LedgerClient, large: impl Future<Output = T>) -> (T, u64) {
    let answered = AtomicU64::new(0);
    let small = async {
        loop {
            client.who().await.expect("a small call is answered");
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    let result = tokio::select! {
        result = large => result,
        never = small => never,
    };
    (result, answered.into_inner())
}

#[test]
fn a_large_reply_passes_while_small_calls_go_on() {
    alone(LEDGER, async |town: Town| {
        let _instance = town.instance("ledger-1").start().await;
        let client = town.client().await.with(Call::new().deadline(CAP));
        let (bytes, small) = beside(&client, client.fetch(LARGE)).await;
        let bytes = bytes.expect("it arrives");
        assert_eq!(bytes.len() as u64, LARGE);
        let wrong = bytes
            .iter()
            .zip(0_u64..)
            .find(|(byte, place)| **byte != *place as u8);
        assert_eq!(wrong, None, "a byte changed on the way");
        assert!(small > 0, "no small call was answered meanwhile");
        assert_eq!(client.counts().await.expect("it answers").connections, 1);
    });
}

#[test]
fn a_large_request_passes_while_small_calls_go_on() {
    alone(LEDGER, async |town: Town| {
        let _instance = town.instance("ledger-1").start().await;
        let client = town.client().await.with(Call::new().deadline(CAP));
        let bytes = vec![7; LARGE as usize];
        let (stored, small) = beside(&client, client.store(bytes)).await;
        assert_eq!(stored.expect("it arrives"), LARGE);
        assert!(small > 0, "no small call was answered meanwhile");
        assert_eq!(client.counts().await.expect("it answers").connections, 1);
    });
}

#[test]
fn eight_large_replies_at_a_time_all_arrive() {
    alone(LEDGER, async |town: Town| {
        let _instance = town.instance("ledger-1").start().await;
        let client = town.client().await.with(Call::new().deadline(CAP));
        let mut calls = tokio::task::JoinSet::new();
        for call in 0..8 {
            let client = client.clone();
            calls.spawn(async move { (call, client.fetch((4 << 20) + call).await) });
        }
        while let Some(ended) = calls.join_next().await {
            let (call, bytes) = ended.expect("no panic");
            assert_eq!(bytes.expect("it arrives").len() as u64, (4 << 20) + call);
        }
    });
}

#[test]
fn a_large_reply_is_finished_by_a_server_that_is_told_to_stop() {
    alone(LEDGER, async |town: Town| {
        let instance = town.instance("ledger-1").start().await;
        let client = town.client().await.with(Call::new().deadline(CAP));
        let reply = tokio::spawn(async move { client.fetch(LARGE).await });
        eventually("it has begun", async || town.has_entry("fetch", LARGE)).await;
        instance.terminate();
        let bytes = reply.await.expect("no panic").expect("it arrives");
        assert_eq!(bytes.len() as u64, LARGE);
        assert!(instance.ended().await.success());
    });
}

#[test]
fn what_is_too_large_is_refused_and_the_connection_lives_on() {
    alone(LEDGER, async |town: Town| {
        let _instance = town.instance("ledger-1").start().await;
        let client = town.client().await.with(Call::new().deadline(CAP));
        let limit = Kind::Refused {
            limit: Limit::MessageSize,
        };
        let error = client.store(vec![0; TOO_LARGE as usize]).await;
        let error = error.expect_err("the request is too large");
        assert_eq!(cause(&error).kind(), limit, "{error:#}");
        assert_eq!(cause(&error).started(), Started::No, "{error:#}");

        let error = client.fetch(TOO_LARGE).await;
        let error = error.expect_err("the reply is too large");
        assert_eq!(cause(&error).kind(), limit, "{error:#}");
        assert_eq!(cause(&error).started(), Started::Yes, "{error:#}");

        client.who().await.expect("the connection lives");
        assert_eq!(client.counts().await.expect("it answers").connections, 1);
    });
}
