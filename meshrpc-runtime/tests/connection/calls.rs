//! Calls, alone and beside others.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use meshrpc::{
    Kind, Started,
    connection::{CallFailure, NotTaken},
    wire::{CallKind, Config, Reason},
};

use crate::pair::{BIG, BLOCK, ECHO, HANG, call, head, pair, pair_with, wait_until};

#[tokio::test]
async fn a_call_is_answered_and_the_peer_is_known() {
    let pair = pair().await;
    let peer = pair.client.peer();
    assert_eq!((&*peer.name, peer.epoch), ("greeter-1", 7));
    assert_eq!(call(&pair.client, ECHO, "hello").await.unwrap(), "hello");
    assert_eq!(call(&pair.client, ECHO, "").await.unwrap(), "");
}

#[tokio::test]
async fn bodies_of_every_size_pass_unchanged() {
    let pair = pair().await;
    for len in [1, 16 << 10, (16 << 10) + 1, 262_144, 262_145, 5 << 20] {
        let body: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
        let answer = call(&pair.client, ECHO, body.clone()).await.unwrap();
        assert!(answer == body, "a body of {len} bytes came back changed");
    }
}

#[tokio::test]
async fn more_calls_than_streams_wait_their_turn() {
    let server = Config {
        max_streams: 4,
        ..Config::default()
    };
    let pair = pair_with(Config::default(), server).await;
    let calls: Vec<_> = (0..100u32)
        .map(|i| {
            let body = Bytes::copy_from_slice(&i.to_le_bytes());
            pair.client
                .call(head(ECHO, CallKind::Unary), body, None)
                .unwrap()
        })
        .collect();
    for (i, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().body[..], (i as u32).to_le_bytes());
    }
}

#[tokio::test]
async fn a_call_that_waits_takes_the_room_of_one_that_is_dropped() {
    let server = Config {
        max_streams: 2,
        ..Config::default()
    };
    let pair = pair_with(Config::default(), server).await;
    let hang = || {
        let head = head(HANG, CallKind::Unary);
        pair.client.call(head, Bytes::new(), None).unwrap()
    };
    let (first, _second) = (hang(), hang());
    let waiting = call(&pair.client, ECHO, "its turn");
    let drops_first = async {
        wait_until(|| pair.methods.started.load(Ordering::SeqCst) == 2).await;
        drop(first);
    };
    let (answer, ()) = tokio::join!(waiting, drops_first);
    assert_eq!(answer.unwrap(), "its turn");
}

#[tokio::test]
async fn too_large_a_request_fails_here_and_alone() {
    let server = Config {
        max_message: 1 << 20,
        ..Config::default()
    };
    let pair = pair_with(Config::default(), server).await;
    let call_ = pair
        .client
        .call(head(ECHO, CallKind::Unary), vec![0; (1 << 20) + 1], None);
    match call_ {
        Err(NotTaken::Call(error)) => assert!(matches!(error.kind(), Kind::Refused { .. })),
        _ => panic!("the call is not taken"),
    }
    assert_eq!(call(&pair.client, ECHO, "ok").await.unwrap(), "ok");
}

#[tokio::test]
async fn too_large_a_reply_is_an_error_that_says_it_started() {
    let client = Config {
        max_message: 1 << 20,
        ..Config::default()
    };
    let pair = pair_with(client, Config::default()).await;
    match call(&pair.client, BIG, "").await {
        Err(CallFailure::Status(status)) => {
            assert_eq!(
                (status.reason, status.started),
                (Reason::TooLarge, Started::Yes)
            );
        }
        other => panic!("a status, not {other:?}"),
    }
    assert_eq!(call(&pair.client, ECHO, "ok").await.unwrap(), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_its_thread_delays_no_other_call() {
    let pair = pair().await;
    let blocking = pair
        .client
        .call(head(BLOCK, CallKind::Unary), "late", None)
        .unwrap();
    let blocking = tokio::spawn(blocking);
    wait_until(|| pair.methods.started.load(Ordering::SeqCst) == 1).await;
    for _ in 0..100 {
        assert_eq!(call(&pair.client, ECHO, "x").await.unwrap(), "x");
    }
    pair.methods.barrier.wait();
    assert_eq!(blocking.await.unwrap().unwrap().body, "late");
}
