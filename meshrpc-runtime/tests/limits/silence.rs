//! Pings.

use std::time::Duration;

use meshrpc::{
    ClientLimits, Limits,
    wire::{Flags, FrameType, GoAwayReason},
};
use serde_json::json;

use crate::{
    desk::{DESK, Desk as _, Office, timely},
    raw::{Raw, frame, open},
    table::says,
};

async fn by_hand<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    timely("a peer", tokio::task::spawn_blocking(work))
        .await
        .expect("no panic")
}

#[tokio::test]
async fn fault_03_a_client_that_never_reads_is_closed_and_its_work_ends() {
    let mut limits = Limits::default();
    limits.ping_busy = Duration::from_millis(300);
    limits.ping_timeout = Duration::from_millis(300);
    limits.max_unread = 64 << 10;
    let office = Office::new(limits).await;
    let desk = office.client();
    let socket = office.socket.clone();
    let raw = by_hand(move || {
        let mut raw = Raw::connect(&socket);
        raw.send(&open(&DESK, "hold", 2, &json!({ "bytes": [1] }), true))
            .expect("it is read");
        // Until the server reads no more either.
        for id in (4..2_000).step_by(2) {
            let fill = open(&DESK, "fill", id, &json!({ "len": 16_000 }), true);
            if raw.send(&fill).is_err() {
                break;
            }
        }
        raw
    })
    .await;
    office
        .counted("silent peers", 1, |counters| counters.ping_timeouts())
        .await;
    office.clerk.waiting(0).await;
    desk.measure(vec![1]).await.expect("others go on");
    drop(raw);
}

#[tokio::test]
async fn fault_18_pings_sooner_than_announced_end_their_connection_alone() {
    let office = Office::new(Limits::default()).await;
    let desk = office.client();
    desk.measure(vec![1]).await.expect("it is served");
    let ping = frame(FrameType::Ping, Flags::default(), 0, &[7; 8]);
    let socket = office.socket.clone();
    let flood = ping.clone();
    let (pongs, farewell) = by_hand(move || {
        let mut raw = Raw::connect(&socket);
        let _ = raw.send(&flood.repeat(10_000));
        let mut pongs = 0;
        let farewell = loop {
            let frame = raw.next().expect("it is told why");
            match frame.kind {
                Some(FrameType::Pong) => pongs += 1,
                Some(FrameType::GoAway) => break frame.payload,
                other => panic!("{other:?}"),
            }
        };
        (pongs, farewell)
    })
    .await;
    let farewell = meshrpc::wire::parse_go_away(farewell).expect("a go-away");
    assert_eq!(farewell.reason, GoAwayReason::Protocol);
    says("pings", &farewell.text);
    assert!(pongs < 20, "{pongs} were answered");
    office
        .counted("misbehaved", 1, |counters| {
            counters.misbehaved_connections()
        })
        .await;
    desk.measure(vec![1]).await.expect("others go on");
    drop(office);

    let mut limits = Limits::default();
    limits.ping_min = Duration::ZERO;
    let office = Office::new(limits).await;
    let socket = office.socket.clone();
    by_hand(move || {
        let mut raw = Raw::connect(&socket);
        for _ in 0..100 {
            raw.send(&ping).expect("it is read");
            assert_eq!(raw.next().expect("answered").kind, Some(FrameType::Pong));
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_pings_as_its_limits_say_and_gives_up_a_callee_that_is_silent() {
    // A callee that shakes hands and says nothing more.
    let folder = tempfile::TempDir::new().expect("a folder");
    let socket = folder.path().join("silent");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    let pings = std::thread::spawn(move || {
        let mut kinds = Vec::new();
        let (stream, _) = listener.accept().expect("a client comes");
        let mut callee = crate::raw::Raw::accept(stream);
        while let Some(frame) = callee.next() {
            kinds.push(frame.kind);
        }
        kinds
    });
    let mut limits = ClientLimits::default();
    limits.ping_idle = Duration::from_millis(100);
    limits.ping_timeout = Duration::from_millis(100);
    let url = format!("static:desk=unix:{}", socket.display());
    let mesh = meshrpc::Mesh::open(&url).await.expect("a list is a mesh");
    let mesh = mesh.limits(limits);
    let desk = <crate::desk::DeskClient as meshrpc::Client>::connect(&mesh, "desk");
    timely("the connection", desk.wait_ready())
        .await
        .expect("it shakes hands");
    let kinds = by_hand(move || pings.join().expect("no panic")).await;
    assert!(kinds.contains(&Some(FrameType::Ping)), "{kinds:?}");
}
