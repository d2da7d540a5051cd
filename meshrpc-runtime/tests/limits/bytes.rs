//! Bytes that are held for calls: what there is no room for is refused, and nothing waits.

use std::time::Duration;

use meshrpc::{
    ClientLimits, Kind, Limit, Limits, Started,
    server::Quota,
    wire::{Flags, FrameType, Reason, Retry},
};
use serde_json::json;

use crate::{
    desk::{DESK, Desk as _, DeskClient, Office, failure, once, timely},
    raw::{Raw, frame, open, reset},
    table::says,
};

const SHED: Kind = Kind::Refused { limit: Limit::Load };
const KIB: usize = 1 << 10;

/// So much for all, of which one client may have all.
fn room(bytes: u64) -> Limits {
    let mut limits = Limits::default();
    limits.total = Quota::new().bytes(bytes);
    limits.per_peer = Quota::new().bytes(2 * bytes);
    limits
}

fn never_again() -> ClientLimits {
    let mut limits = ClientLimits::default();
    limits.max_attempts = 1;
    limits
}

fn spawn(desk: &DeskClient, bytes: usize) -> tokio::task::JoinHandle<anyhow::Result<u64>> {
    let desk = desk.clone();
    tokio::spawn(async move { desk.hold(vec![1; bytes]).await })
}

#[tokio::test]
async fn fault_38_what_the_byte_budget_has_no_room_for_is_shed() {
    let office = Office::new(room(1 << 20)).await;
    let (_mesh, desk) = office.stranger(never_again()).await;
    let held: Vec<_> = (0..3).map(|_| spawn(&desk, 300 * KIB)).collect();
    office.clerk.begun(3).await;

    for shed in 1..=10 {
        let error = failure(desk.hold(vec![1; 300 * KIB]).await);
        assert_eq!((error.kind(), error.started()), (SHED, Started::No));
        assert!(
            error
                .retry_after()
                .is_some_and(|time| time > Duration::ZERO)
        );
        says("bytes of all", &error.to_string());
        assert_eq!(office.counters().shed_by_bytes(), shed);
    }
    assert_eq!(
        desk.measure(vec![1; 10 * KIB]).await.expect("it fits"),
        10 << 10
    );
    assert_eq!(office.clerk.begun_so_far(), 3, "nothing was started");

    office.clerk.release(3);
    for call in held {
        let answer = timely("what was taken", call).await.expect("no panic");
        assert_eq!(answer.expect("it is untouched"), 300 << 10);
    }
    let again = desk.measure(vec![1; 900 * KIB]).await;
    assert_eq!(again.expect("the room is free"), 900 << 10);
    assert_eq!(office.counters().connections(), 1, "the connection lives");
}

#[tokio::test]
async fn what_never_fits_is_not_to_be_made_again() {
    let office = Office::new(room(100 << 10)).await;
    let (_mesh, desk) = office.stranger(ClientLimits::default()).await;
    let error = failure(desk.measure(vec![1; 200 * KIB]).await);
    let limit = Limit::MessageSize;
    assert_eq!(error.kind(), Kind::Refused { limit }, "{error}");
    assert_eq!(error.started(), Started::No);
    assert_eq!(error.attempts(), 1, "it was tried again");
}

#[tokio::test]
async fn one_client_leaves_room_to_others() {
    let mut limits = room(1 << 20);
    limits.per_peer = Quota::new().bytes(600 << 10);
    let office = Office::new(limits).await;
    let (_mesh, desk) = office.stranger(never_again()).await;
    let _held = [spawn(&desk, 250 * KIB), spawn(&desk, 250 * KIB)];
    office.clerk.begun(2).await;
    let error = failure(desk.measure(vec![1; 250 * KIB]).await);
    assert_eq!((error.kind(), error.started()), (SHED, Started::No));
    says("bytes of a client", &error.to_string());
    let socket = office.socket.clone();
    let answered = tokio::task::spawn_blocking(move || {
        let mut raw = Raw::connect(&socket);
        let arguments = json!({ "len": 200 << 10 });
        raw.send(&open(&DESK, "fill", 2, &arguments, true))
            .expect("it is read");
        raw.next().expect("it is answered").kind
    });
    assert_eq!(answered.await.expect("no panic"), Some(FrameType::Reply));
}

#[tokio::test]
async fn a_contract_has_room_of_its_own() {
    let quota = Quota::new().bytes(400 << 10);
    let office = Office::within(Limits::default(), quota).await;
    let (_mesh, desk) = office.stranger(never_again()).await;
    let _held = spawn(&desk, 300 * KIB);
    office.clerk.begun(1).await;
    let error = failure(desk.measure(vec![1; 200 * KIB]).await);
    assert_eq!((error.kind(), error.started()), (SHED, Started::No));
    says("bytes of a contract", &error.to_string());
    assert_eq!(office.counters().shed_by_bytes(), 1);
    assert_eq!(
        desk.measure(vec![1; 50 * KIB]).await.expect("it fits"),
        50 << 10
    );
}

#[tokio::test]
async fn a_oneway_call_holds_its_bytes_until_its_work_is_done() {
    let office = Office::new(room(1 << 20)).await;
    let (_mesh, desk) = office.stranger(never_again()).await;
    for _ in 0..3 {
        desk.cast(vec![1; 300 * KIB]).await.expect("it is accepted");
    }
    office.clerk.begun(3).await;
    let error = failure(desk.cast(vec![1; 300 * KIB]).await);
    assert_eq!((error.kind(), error.started()), (SHED, Started::No));
    office.clerk.release(3);
    office.clerk.waiting(0).await;
    let end = tokio::time::Instant::now() + crate::desk::CAP;
    while let Err(error) = desk.measure(vec![1; 900 * KIB]).await {
        assert_eq!(failure::<()>(Err(error)).kind(), SHED);
        assert!(tokio::time::Instant::now() < end, "its room stays taken");
    }
}

#[tokio::test]
async fn a_reply_that_there_is_no_room_for_fails_its_call_alone() {
    let office = Office::new(room(1 << 20)).await;
    let (_mesh, desk) = office.stranger(never_again()).await;
    let error = failure(desk.fill(2 << 20).await);
    assert_eq!(error.started(), Started::Yes, "{error}");
    assert!(
        error.to_string().contains("no room for the call"),
        "{error}"
    );
    assert_eq!(
        desk.fill(900 << 10).await.expect("it fits").len(),
        900 << 10
    );
    assert_eq!(
        desk.fill(900 << 10).await.expect("it was freed").len(),
        900 << 10
    );
}

#[tokio::test]
async fn requests_that_never_end_hold_no_more_than_the_budget() {
    let office = Office::new(room(1 << 20)).await;
    let socket = office.socket.clone();
    let refused = tokio::task::spawn_blocking(move || {
        let mut raw = Raw::connect(&socket);
        let piece = vec![0; 64 << 10];
        // A megabyte and a half, of five requests that stay unfinished.
        for id in [2, 4, 6, 8, 10] {
            let (arguments, none) = (json!({}), Flags::default());
            raw.send(&open(&DESK, "hold", id, &arguments, false))
                .expect("it is read");
            for _ in 0..5 {
                raw.send(&frame(FrameType::Data, none, id, &piece))
                    .expect("it is read");
            }
        }
        let status = raw.status(8);
        // What is given up frees its room.
        raw.send(&reset(2)).expect("it is read");
        raw.send(&reset(4)).expect("it is read");
        raw.send(&open(&DESK, "fill", 12, &json!({ "len": 300 << 10 }), true))
            .expect("it is read");
        let replied = |frame: meshrpc::wire::Frame| {
            frame.stream == 12 && frame.kind == Some(FrameType::Reply)
        };
        while !replied(raw.next().expect("the connection lives")) {}
        status
    });
    let status = timely("the refusal", refused).await.expect("no panic");
    assert_eq!(status.reason, Reason::Overloaded);
    assert_eq!(status.started, Started::No);
    assert!(matches!(status.retry, Retry::After(_)), "{status:?}");
}

#[tokio::test]
async fn a_stream_that_there_is_no_room_for_ends_with_its_call() {
    let mut limits = room(256 << 10);
    limits.max_message = 100 << 20;
    let office = Office::new(limits).await;
    let (_mesh, desk) = office.stranger(never_again()).await;
    // One that is longer than all that may be held: it never fits.
    let error = failure(desk.sum(once(vec![1; 1 << 20])).await);
    let limit = Limit::MessageSize;
    let never = (Kind::Refused { limit }, Started::Yes);
    assert_eq!((error.kind(), error.started()), never);
    says("bytes of all", &error.to_string());
    assert_eq!(office.counters().shed_by_bytes(), 1);
    // Items that are read as they come pass, however many there are.
    assert_eq!(
        desk.sum(once(vec![1; 100 * KIB])).await.expect("read"),
        100 << 10
    );
}
