//! Connections, and frames that cannot be.

use std::{sync::Arc, time::Duration};

use meshrpc::{
    Call, ClientLimits, Kind, Limit, Limits, Started,
    connection::Connection,
    wire::{Config, Flags, FrameType, GoAwayReason, PREFACE, Reason},
};
use serde_json::json;
use tokio::net::UnixStream;

use crate::{
    desk::{DESK, Desk as _, Office, failure, timely},
    raw::{Raw, frame, greeting, open, reset},
    table::says,
};

/// Runs what a peer does by hand.
async fn by_hand<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    timely("a peer", tokio::task::spawn_blocking(work))
        .await
        .expect("no panic")
}

#[tokio::test]
async fn one_connection_more_is_told_why_and_taken_once_there_is_room() {
    let mut limits = Limits::default();
    limits.max_connections = 1;
    let office = Office::new(limits).await;
    let desk = office.client();
    desk.measure(vec![1]).await.expect("the first is taken");

    let stream = UnixStream::connect(&office.socket)
        .await
        .expect("it listens");
    let refused = Connection::connect(stream, Arc::new(Config::default())).await;
    let error = refused.expect_err("there is no room");
    let limit = Limit::Connections;
    assert_eq!(
        (error.kind(), error.started()),
        (Kind::Refused { limit }, Started::No)
    );
    says("connections", &error.to_string());
    assert_eq!(office.counters().refused_connections(), 1);
    desk.measure(vec![1]).await.expect("the first is untouched");

    let (_mesh, other) = office.stranger(ClientLimits::default()).await;
    let soon = other.with(Call::new().deadline(Duration::from_millis(300)));
    let told = failure(soon.measure(vec![1]).await);
    says("connections", &told.to_string());
    let later = tokio::spawn({
        let other = other.clone();
        async move { other.measure(vec![1; 3]).await }
    });
    drop(desk);
    let answered = timely("a connection", later).await.expect("no panic");
    assert_eq!(answered.expect("there is room"), 3);
}

#[tokio::test]
async fn with_one_handshake_more_the_oldest_is_closed() {
    let mut limits = Limits::default();
    limits.max_handshakes = 2;
    limits.handshake_timeout = crate::desk::CAP;
    let office = Office::new(limits).await;
    let desk = office.client();
    desk.measure(vec![1]).await.expect("it is served");
    let socket = office.socket.clone();
    let (oldest, second) = by_hand(move || {
        let begin = || {
            let mut raw = Raw::begin(&socket);
            raw.send(&PREFACE[..4]).expect("it is read");
            raw
        };
        let (mut oldest, second, third) = (begin(), begin(), begin());
        (oldest.next(), (second, third))
    })
    .await;
    assert_eq!(oldest, None, "it was closed");
    office
        .counted("closed", 1, |counters| counters.cut_handshakes())
        .await;
    let (mut second, _third) = second;
    by_hand(move || {
        // The others go on where they were.
        second.send(&greeting()[4..]).expect("it is read");
        let hello = second.next().expect("it is answered");
        assert_eq!(hello.kind, Some(FrameType::ServerHello));
    })
    .await;
    desk.measure(vec![1]).await.expect("others are untouched");
}

#[tokio::test]
async fn fault_02_a_slow_handshake_is_closed_alone_at_its_deadline() {
    let mut limits = Limits::default();
    limits.handshake_timeout = Duration::from_millis(300);
    let office = Office::new(limits).await;
    let desk = office.client();
    desk.measure(vec![1]).await.expect("it is served");
    let socket = office.socket.clone();
    let slow = by_hand(move || {
        let mut raw = Raw::begin(&socket);
        // A byte now and then is no handshake.
        for byte in greeting() {
            if raw.send(&[byte]).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        raw.farewell()
    });
    let mut calls = 0;
    tokio::pin!(slow);
    let farewell = loop {
        tokio::select! {
            farewell = &mut slow => break farewell,
            measured = desk.measure(vec![1]) => {
                measured.expect("others go on");
                calls += 1;
            }
        }
    };
    let farewell = farewell.expect("it is told why");
    assert_eq!(farewell.reason, GoAwayReason::Protocol);
    says("a handshake's time", &farewell.text);
    assert!(calls > 0, "no call was answered beside it");
    office
        .counted("handshakes", 1, |counters| counters.handshake_timeouts())
        .await;
    assert_eq!(office.counters().broken_connections(), 1);
}

#[tokio::test]
async fn fault_02_a_frame_that_never_ends_is_closed_alone() {
    let mut limits = Limits::default();
    limits.ping_idle = Duration::from_millis(200);
    limits.ping_timeout = Duration::from_millis(200);
    let office = Office::new(limits).await;
    let desk = office.client();
    desk.measure(vec![1]).await.expect("it is served");
    let socket = office.socket.clone();
    by_hand(move || {
        let mut raw = Raw::connect(&socket);
        for byte in frame(FrameType::Data, Flags::default(), 2, &[0; 1 << 10]) {
            if raw.send(&[byte]).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        while raw.next().is_some() {}
    })
    .await;
    office
        .counted("silent peers", 1, |counters| counters.ping_timeouts())
        .await;
    desk.measure(vec![1]).await.expect("others go on");
    assert_eq!(office.counters().broken_connections(), 1);
}

/// What a peer is told that sends these bytes.
async fn told(office: &Office, bytes: Vec<u8>) -> (GoAwayReason, String) {
    let before = office.counters().misbehaved_connections();
    let socket = office.socket.clone();
    let farewell = by_hand(move || {
        let mut raw = Raw::connect(&socket);
        // It may be over before all is read.
        let _ = raw.send(&bytes);
        raw.farewell()
    });
    let farewell = farewell.await.expect("it is told why");
    office
        .counted("misbehaved", before + 1, |counters| {
            counters.misbehaved_connections()
        })
        .await;
    (farewell.reason, farewell.text)
}

#[tokio::test]
async fn frames_and_bytes_beyond_what_was_announced_end_their_connection_alone() {
    let mut limits = Limits::default();
    limits.max_frame = 16_384;
    limits.connection_window = 64 << 10;
    limits.stream_window = 16 << 10;
    let office = Office::new(limits).await;
    let desk = office.client();
    // A good client keeps to them.
    assert_eq!(
        desk.measure(vec![1; 1 << 20]).await.expect("it fits"),
        1 << 20
    );
    assert_eq!(
        desk.sum(crate::desk::once(vec![1; 1 << 20]))
            .await
            .expect("it fits"),
        1 << 20
    );

    let none = Flags::default();
    let large = frame(FrameType::Data, none, 2, &[0; 16_385]);
    let (_, text) = told(&office, large).await;
    says("a frame", &text);
    let (reason, text) = told(&office, too_eager()).await;
    assert_eq!(reason, GoAwayReason::Protocol);
    says("bytes on their way", &text);
    assert_eq!(desk.measure(vec![1]).await.expect("others go on"), 1);
}

/// One frame with more body bytes than both windows allow.
fn too_eager() -> Vec<u8> {
    use meshrpc::wire::{CallKind, Checksum, Codec, OpenHead, put_frame, put_open};
    let sum = DESK.methods.iter().find(|method| method.name == "sum");
    let head = OpenHead::new(
        CallKind::ClientStream,
        Codec::FieldNamed,
        sum.expect("it is there").key,
    );
    let mut bytes = Vec::new();
    let none = Flags::default();
    put_frame(
        &mut bytes,
        Checksum::Crc32,
        FrameType::Open,
        none,
        2,
        |out| {
            put_open(out, &head);
        },
    );
    // An item that is announced as longer than all of them together, so that none is read.
    let mut item = Vec::new();
    meshrpc::wire::put_item_prefix(&mut item, 10 << 20, false);
    item.resize(16_000, 0);
    for _ in 0..64 {
        bytes.extend(frame(FrameType::Data, none, 2, &item));
        item.fill(0);
    }
    bytes
}

#[tokio::test]
async fn fault_14_empty_frames_end_their_connection_alone() {
    let mut limits = Limits::default();
    limits.max_idle_frames = 100;
    let office = Office::new(limits).await;
    let desk = office.client();
    desk.measure(vec![1]).await.expect("it is served");
    let none = Flags::default();

    let mut empty = open(&DESK, "hold", 2, &json!({}), false);
    empty.extend(frame(FrameType::Data, none, 2, &[]));
    let (reason, text) = told(&office, empty).await;
    assert_eq!(reason, GoAwayReason::Protocol);
    assert!(text.contains("an empty chunk"), "{text}");

    for idle in [
        frame(FrameType::Info, none, 0, &[]),
        frame(FrameType::Credit, none, 0, &[0; 4]),
        frame(FrameType::Pong, none, 0, &[0; 8]),
    ] {
        let (reason, text) = told(&office, idle.repeat(5_000)).await;
        assert_eq!(reason, GoAwayReason::Limit);
        says("frames that bring nothing", &text);
    }
    // As many as may be, and one call brings eight more.
    let socket = office.socket.clone();
    by_hand(move || {
        let mut raw = Raw::connect(&socket);
        let info = frame(FrameType::Info, none, 0, &[]);
        raw.send(&info.repeat(100)).expect("it is read");
        for id in [2, 4] {
            raw.send(&open(&DESK, "fill", id, &json!({ "len": 1 }), true))
                .expect("it is read");
            raw.send(&info.repeat(8)).expect("it is read");
            assert_eq!(raw.next().expect("answered").kind, Some(FrameType::Reply));
        }
    })
    .await;
    desk.measure(vec![1]).await.expect("others go on");
}

#[tokio::test]
async fn fault_15_calls_over_the_limit_are_refused_before_they_start() {
    let mut limits = Limits::default();
    limits.max_streams = 4;
    let office = Office::new(limits).await;
    let desk = office.client();
    let socket = office.socket.clone();
    let mut raw = by_hand(move || {
        let mut raw = Raw::connect(&socket);
        for id in [2, 4, 6, 8, 10] {
            let arguments = json!({ "bytes": [1] });
            raw.send(&open(&DESK, "hold", id, &arguments, true))
                .expect("it is read");
        }
        let status = raw.status(10);
        assert_eq!(
            (status.reason, status.started),
            (Reason::Overloaded, Started::No)
        );
        says("calls of a connection", &status.message);
        raw
    })
    .await;
    office.clerk.begun(4).await;
    assert_eq!(office.counters().wire().refused_streams, 1);
    office.clerk.release(4);
    by_hand(move || {
        let mut answered = Vec::new();
        while answered.len() < 4 {
            answered.push(raw.next().expect("the connection lives").stream);
        }
        answered.sort_unstable();
        assert_eq!(answered, [2, 4, 6, 8]);
        // There is room again; twice as many that do not even end are a flood.
        let mut flood = Vec::new();
        for id in (12..60).step_by(2) {
            flood.extend(open(&DESK, "hold", id, &json!({}), false));
        }
        let _ = raw.send(&flood);
        let farewell = raw.farewell().expect("it is told why");
        assert_eq!(farewell.reason, GoAwayReason::Limit);
        says("twice the calls of a connection", &farewell.text);
    })
    .await;
    assert_eq!(office.clerk.begun_so_far(), 4, "no other was started");
    desk.measure(vec![1]).await.expect("others go on");
}

#[tokio::test]
async fn fault_16_a_call_that_is_taken_back_counts_until_its_handler_ends() {
    let mut limits = Limits::default();
    limits.max_streams = 8;
    let office = Office::new(limits).await;
    let socket = office.socket.clone();
    let raw = by_hand(move || {
        let mut raw = Raw::connect(&socket);
        for id in (2..=400).step_by(2) {
            raw.send(&open(&DESK, "finish", id, &json!({}), true))
                .expect("it is read");
            raw.send(&reset(id)).expect("it is read");
        }
        // What was refused was answered before it was taken back.
        raw.send(&open(&DESK, "fill", 402, &json!({ "len": 1 }), true))
            .expect("it is read");
        let status = raw.status(402);
        assert_eq!(
            (status.reason, status.started),
            (Reason::Overloaded, Started::No)
        );
        raw
    })
    .await;
    office.clerk.waiting(8).await;
    assert_eq!(office.clerk.begun_so_far(), 8, "work that nobody waits for");
    office.clerk.release(8);
    office.clerk.waiting(0).await;
    let mut raw = raw;
    by_hand(move || {
        let mut id = 404;
        // Their last words come a moment after they are let go.
        loop {
            raw.send(&open(&DESK, "fill", id, &json!({ "len": 1 }), true))
                .expect("it is read");
            let frame = loop {
                let frame = raw.next().expect("the connection lives");
                if frame.stream == id {
                    break frame;
                }
            };
            if frame.kind == Some(FrameType::Reply) {
                break;
            }
            id += 2;
        }
    })
    .await;
}

#[tokio::test]
async fn fault_17_errors_that_a_peer_provokes_wait_until_it_reads_them() {
    let mut limits = Limits::default();
    limits.max_unread = 64 << 10;
    let office = Office::new(limits).await;
    let desk = office.client();
    desk.measure(vec![1]).await.expect("it is served");
    let socket = office.socket.clone();
    let provoked = by_hand(move || {
        let mut raw = Raw::connect(&socket);
        let mut provoked = 0;
        // No such argument: each call is an error. Nothing is read.
        for id in (2..).step_by(2) {
            if raw
                .send(&open(&DESK, "measure", id, &json!({ "x": 1 }), true))
                .is_err()
            {
                break;
            }
            provoked += 1;
            assert!(provoked < 1_000_000, "the server takes them all");
        }
        // The last one may be half sent; all that were are answered once they are read.
        let mut errors = 0;
        while errors < provoked {
            let frame = raw.next().expect("the connection lives");
            assert_eq!(frame.kind, Some(FrameType::Status));
            errors += 1;
        }
        provoked
    })
    .await;
    assert!(provoked > 100, "only {provoked} were taken");
    assert!(office.counters().wire().unread_answers > 0);
    desk.measure(vec![1]).await.expect("others go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_good_clients_at_once_are_all_taken() {
    let mut limits = Limits::default();
    limits.max_handshakes = 32;
    let office = Office::new(limits).await;
    let connect = |_| {
        let socket = office.socket.clone();
        tokio::spawn(async move {
            let stream = UnixStream::connect(&socket).await.expect("it listens");
            Connection::connect(stream, Arc::new(Config::default())).await
        })
    };
    let clients: Vec<_> = (0..400).map(connect).collect();
    let mut connected = Vec::new();
    for client in clients {
        connected.extend(timely("a client", client).await.expect("no panic"));
    }
    // A machine that has no time for one of them may cut it: such a client dials again.
    assert!(connected.len() > 360, "{} of 400", connected.len());
}
