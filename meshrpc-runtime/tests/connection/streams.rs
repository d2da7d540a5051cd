//! Streams and bulk: back-pressure, and who waits for whom.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use meshrpc::{
    connection::Connection,
    wire::{CallKind, Config},
};

use crate::pair::{BIG, CAP, ECHO, HANG, Methods, STREAM, call, head, pair, wait_until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_calls_go_on_beside_a_large_reply() {
    let pair = pair().await;
    let big = pair
        .client
        .call(head(BIG, CallKind::Unary), Bytes::new(), None)
        .unwrap();
    let big = tokio::spawn(big);
    let mut during = 0;
    while !big.is_finished() {
        assert_eq!(call(&pair.client, ECHO, "x").await.unwrap(), "x");
        during += usize::from(!big.is_finished());
    }
    let reply = big.await.unwrap().unwrap();
    assert_eq!(reply.body.len(), 64 << 20);
    assert!(reply.body.iter().all(|&byte| byte == 7));
    assert!(
        during > 10,
        "only {during} small calls ended while 64 MiB passed"
    );
}

#[tokio::test]
async fn streams_pass_both_ways_with_back_pressure() {
    let pair = pair().await;
    let (mut out, reply) = pair
        .client
        .stream(head(STREAM, CallKind::BothStream), Bytes::new(), None)
        .unwrap();
    let sender = tokio::spawn(async move {
        for i in 0..200u32 {
            out.send(Bytes::from(vec![i as u8; 50_000])).await.unwrap();
        }
        out.finish();
    });
    let (_, mut incoming) = reply.head().await.unwrap();
    let mut received = Vec::new();
    while let Some(bytes) = incoming.recv().await {
        received.extend_from_slice(&bytes.unwrap());
    }
    sender.await.unwrap();
    assert_eq!(received.len(), 200 * 50_000);
    let in_order = received
        .chunks(50_000)
        .enumerate()
        .all(|(i, chunk)| chunk.iter().all(|&b| b == i as u8));
    assert!(in_order, "the bytes came in another order");
    drop(incoming);
    assert_eq!(pair.client.in_flight(), 0);
    wait_until(|| pair.server.in_flight() == 0).await;
}

#[tokio::test]
async fn bulk_in_both_directions_does_not_wait_for_itself() {
    let pair = pair().await;
    let body = vec![5; 8 << 20];
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let head = head(ECHO, CallKind::Unary);
            pair.client.call(head, body.clone(), None).expect("taken")
        })
        .collect();
    for call in calls {
        let reply = tokio::time::timeout(CAP, call).await.expect("it ends");
        assert!(reply.unwrap().body == body);
    }
}

#[tokio::test]
async fn an_unread_stream_stops_its_sender_and_nothing_else() {
    let pair = pair().await;
    let (mut out, _reply) = pair
        .client
        .stream(head(HANG, CallKind::BothStream), Bytes::new(), None)
        .unwrap();
    let sender = tokio::spawn(async move {
        let mut sent = 0usize;
        while out.send(Bytes::from(vec![0; 64 << 10])).await.is_ok() {
            sent += 64 << 10;
            assert!(sent < 16 << 20, "an unread stream took {sent} bytes");
        }
    });
    for _ in 0..200 {
        assert_eq!(
            call(&pair.client, ECHO, vec![1; 100_000])
                .await
                .unwrap()
                .len(),
            100_000
        );
    }
    sender.abort();
}

/// Over a socket: it is writable again only when much of its buffer was read.
#[cfg(unix)]
#[tokio::test]
async fn sides_that_both_have_much_to_write_read_meanwhile() {
    let (near, far) = tokio::net::UnixStream::pair().unwrap();
    // No timer gets them going again.
    let config = Arc::new(Config {
        ping_busy: Duration::from_secs(3600),
        ping_idle: Duration::from_secs(3600),
        ..Config::default()
    });
    let (_server, driver) =
        Connection::accept(far, Arc::clone(&config), Arc::new(Methods::default()) as _);
    tokio::spawn(driver.run());
    let client = Connection::connect(near, config).await.unwrap();
    let calls: Vec<_> = (0..8)
        .map(|n| {
            let body = Bytes::from(vec![n; 2 << 20]);
            let call = client.call(head(ECHO, CallKind::Unary), body, None);
            tokio::time::timeout(CAP, call.expect("taken"))
        })
        .collect();
    for answer in calls {
        assert_eq!(answer.await.unwrap().unwrap().body.len(), 2 << 20);
    }
}
