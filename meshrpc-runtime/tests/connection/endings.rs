//! How calls and connections end: callers that go, deadlines, deaths, drains.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use meshrpc::{
    Kind, Started,
    connection::{CallFailure, Connection, NotTaken},
    wire::{CallKind, Reason},
};
use tokio::{io::duplex, sync::mpsc};

use crate::pair::{CAP, ECHO, GATED, HANG, Methods, call, head, lost, pair, shaken, wait_until};

#[tokio::test]
async fn dropping_the_call_drops_the_handler() {
    let pair = pair().await;
    let (entered, mut entries) = mpsc::unbounded_channel();
    *pair.methods.entered.lock().unwrap() = Some(entered);
    let hanging = pair
        .client
        .call(head(HANG, CallKind::Unary), Bytes::new(), None)
        .unwrap();
    entries.recv().await.unwrap();
    drop(hanging);
    wait_until(|| pair.methods.dropped.load(Ordering::SeqCst) == 1).await;
    assert_eq!(
        call(&pair.client, ECHO, "still here").await.unwrap(),
        "still here"
    );
}

#[tokio::test]
async fn a_deadline_ends_the_call_on_both_sides() {
    let pair = pair().await;
    let deadline = Instant::now() + Duration::from_millis(50);
    let hanging = pair
        .client
        .call(head(HANG, CallKind::Unary), Bytes::new(), Some(deadline))
        .unwrap();
    let failure = hanging.await.unwrap_err();
    match failure {
        CallFailure::Lost { started, cause } => {
            assert_eq!(
                (started, cause.kind()),
                (Started::Unknown, Kind::DeadlineExceeded)
            );
        }
        // The callee's clock may be first.
        CallFailure::Status(status) => assert_eq!(status.reason, Reason::DeadlineExceeded),
    }
    wait_until(|| pair.methods.dropped.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn a_deadline_that_has_passed_sends_nothing() {
    let pair = pair().await;
    let call = pair.client.call(
        head(ECHO, CallKind::Unary),
        Bytes::new(),
        Some(Instant::now()),
    );
    match call {
        Err(NotTaken::Call(error)) => assert_eq!(error.kind(), Kind::DeadlineExceeded),
        _ => panic!("the call is not taken"),
    }
    assert_eq!(pair.methods.started.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_connection_that_dies_says_that_the_call_may_have_run() {
    let pair = pair().await;
    let (entered, mut entries) = mpsc::unbounded_channel();
    *pair.methods.entered.lock().unwrap() = Some(entered);
    let hanging = pair
        .client
        .call(head(HANG, CallKind::Unary), Bytes::new(), None)
        .unwrap();
    entries.recv().await.unwrap();
    pair.driver.abort();
    let result = hanging.await.map(|reply| reply.body);
    assert_eq!(lost(result), (Started::Unknown, Kind::Unavailable));
    pair.client.closed().await;
    assert!(!pair.client.takes_calls());
}

#[tokio::test]
async fn a_request_that_was_never_written_says_it_did_not_start() {
    // The peer shakes hands and then reads nothing: what does not fit the pipe stays here.
    let (near, far) = duplex(32 << 10);
    let methods = Arc::new(Methods::default());
    let (_server, driver) = Connection::accept(far, Arc::default(), methods as _);
    let driver = tokio::spawn(driver.run());
    let client = Connection::connect(near, Arc::default()).await.unwrap();
    driver.abort();
    let _ = driver.await;
    let large = client.call(head(ECHO, CallKind::Unary), vec![0; 1 << 20], None);
    if let Ok(large) = large {
        assert_eq!(lost(large.await.map(|reply| reply.body)).0, Started::No);
    }
}

#[tokio::test]
async fn draining_finishes_what_it_accepted_and_takes_nothing_new() {
    let pair = pair().await;
    let (entered, mut entries) = mpsc::unbounded_channel();
    *pair.methods.entered.lock().unwrap() = Some(entered);
    let gated = pair
        .client
        .call(head(GATED, CallKind::Unary), "kept", None)
        .unwrap();
    entries.recv().await.unwrap();

    pair.server.go_away();
    pair.client.closing().await;
    let refused = pair
        .client
        .call(head(ECHO, CallKind::Unary), Bytes::new(), None);
    assert!(matches!(refused, Err(NotTaken::Closing)));
    pair.methods.gate.add_permits(1);
    assert_eq!(gated.await.unwrap().body, "kept");
    assert!(pair.driver.await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_or_run_twice_when_a_server_drains_under_load() {
    let pair = pair().await;
    let client = pair.client.clone();
    let load = tokio::spawn(async move {
        let mut answered = 0;
        loop {
            match client.call(head(ECHO, CallKind::Unary), "x", None) {
                Ok(call) => match call.await {
                    Ok(_) => answered += 1,
                    Err(CallFailure::Lost {
                        started: Started::No,
                        ..
                    }) => {}
                    Err(other) => panic!("a call failed: {other:?}"),
                },
                Err(NotTaken::Closing) => return answered,
                Err(other) => panic!("a call failed: {other:?}"),
            }
        }
    });
    wait_until(|| pair.methods.started.load(Ordering::SeqCst) > 100).await;
    pair.server.go_away();
    let answered = load.await.unwrap();
    assert_eq!(answered, pair.methods.started.load(Ordering::SeqCst));
}

#[tokio::test]
async fn an_idle_client_that_lets_go_closes_the_connection() {
    let pair = pair().await;
    drop(pair.client);
    assert_eq!(
        tokio::time::timeout(CAP, pair.driver)
            .await
            .expect("closed")
            .unwrap(),
        Ok(())
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_noticed_by_a_ping() {
    let (near, far) = duplex(64 << 10);
    let (_server, driver) =
        Connection::accept(near, Arc::default(), Arc::new(Methods::default()) as _);
    let driver = tokio::spawn(driver.run());
    let _far = shaken(far).await;
    let fault = driver.await.unwrap().unwrap_err();
    assert!(
        matches!(fault, meshrpc::wire::Fault::PingTimeout(_)),
        "{fault:?}"
    );
}
