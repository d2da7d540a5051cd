//! Calls that are shed, and when they may be made again.

use std::time::Duration;

use meshrpc::{Call, ClientLimits, Code, Error, Kind, Limit, Limits, Started, server::Quota};

use crate::{
    desk::{Desk as _, DeskClient, Office, failure, timely},
    table::says,
};

const SHED: Kind = Kind::Refused { limit: Limit::Load };

/// A client that makes no call a second time by itself.
fn once() -> ClientLimits {
    let mut limits = ClientLimits::default();
    limits.max_attempts = 1;
    limits
}

/// A call that is under way.
async fn held(office: &Office, desk: &DeskClient) -> tokio::task::JoinHandle<anyhow::Result<u64>> {
    let before = office.clerk.begun_so_far();
    let desk = desk.clone();
    let call = tokio::spawn(async move { desk.hold(vec![1; 10]).await });
    office.clerk.begun(before + 1).await;
    call
}

fn shed(error: &Error) -> Duration {
    assert_eq!(
        (error.kind(), error.code(), error.started()),
        (SHED, Code::ResourceExhausted, Started::No),
        "{error:?}"
    );
    error.retry_after().expect("it says when")
}

/// One call fits: the second is shed, and taken once the first is done.
async fn one_call_at_a_time(office: Office, row: &str) {
    let (_mesh, desk) = office.stranger(once()).await;
    let first = held(&office, &desk).await;
    let error = failure(desk.measure(vec![1]).await);
    assert!(shed(&error) > Duration::ZERO);
    says(row, &error.to_string());
    assert_eq!(office.counters().shed_by_calls(), 1);
    assert_eq!(office.counters().refused_calls(), 1);
    office.clerk.release(1);
    let first = timely("the first", first).await;
    assert_eq!(first.expect("no panic").expect("it is untouched"), 10);
    // The answer comes before the place is free.
    let end = tokio::time::Instant::now() + crate::desk::CAP;
    while let Err(error) = desk.measure(vec![1]).await {
        shed(&failure::<()>(Err(error)));
        assert!(tokio::time::Instant::now() < end, "its place stays taken");
    }
    assert_eq!(office.counters().connections(), 1, "the connection lives");
}

#[tokio::test]
async fn calls_at_a_time_of_a_whole_server() {
    let mut limits = Limits::default();
    limits.total = Quota::new().calls(1);
    one_call_at_a_time(Office::new(limits).await, "calls of all").await;
}

#[tokio::test]
async fn calls_at_a_time_of_one_client() {
    let mut limits = Limits::default();
    limits.per_peer = Quota::new().calls(1);
    one_call_at_a_time(Office::new(limits).await, "calls of a client").await;
}

#[tokio::test]
async fn calls_at_a_time_of_one_contract() {
    let quota = Quota::new().calls(1);
    let office = Office::within(Limits::default(), quota).await;
    one_call_at_a_time(office, "calls of a contract").await;
}

#[tokio::test]
async fn a_call_whose_caller_goes_leaves_its_place_when_its_handler_ends() {
    let quota = Quota::new().calls(1);
    let office = Office::within(Limits::default(), quota).await;
    let (_mesh, desk) = office.stranger(once()).await;
    let call = held(&office, &desk).await;
    call.abort();
    office.clerk.waiting(0).await;
    let again = held(&office, &desk).await;

    // One that runs to its end keeps it.
    office.clerk.release(1);
    timely("the held call", again)
        .await
        .expect("no panic")
        .expect("it is answered");
    office.clerk.waiting(0).await;
    let finishing = tokio::spawn({
        let desk = desk.clone();
        async move { desk.finish().await }
    });
    office.clerk.waiting(1).await;
    finishing.abort();
    let _ = finishing.await;
    shed(&failure(desk.measure(vec![1]).await));
}

#[tokio::test]
async fn calls_a_second_with_a_burst() {
    let mut limits = Limits::default();
    limits.total = Quota::new().rate(1, 3);
    let office = Office::new(limits).await;
    let (_mesh, desk) = office.stranger(once()).await;
    for call in 0..3 {
        let measured = desk.measure(vec![1; call]).await;
        assert_eq!(measured.expect("the burst"), call as u64);
    }
    let mut refusals = 0;
    let error = loop {
        // A slow machine earns a call now and then.
        if let Err(error) = desk.measure(Vec::new()).await {
            refusals += 1;
            break failure::<()>(Err(error));
        }
    };
    let wait = shed(&error);
    assert!(wait <= Duration::from_secs(1), "{wait:?}");
    says("calls a second", &error.to_string());
    assert_eq!(office.counters().shed_by_rate(), refusals);
}

#[tokio::test]
async fn a_shed_call_is_made_again_not_before_the_time_it_was_told() {
    let mut limits = Limits::default();
    limits.total = Quota::new().rate(2, 1);
    let office = Office::new(limits).await;
    let (_mesh, desk) = office.stranger(ClientLimits::default()).await;
    desk.measure(vec![1]).await.expect("the first has a token");
    let patient = desk.with(Call::new().deadline(crate::desk::CAP));
    assert_eq!(
        patient.measure(vec![1; 7]).await.expect("it is made again"),
        7
    );
    let refused = office.counters().shed_by_rate();
    assert!(
        refused <= 1,
        "told when, it came {} times too early",
        refused - 1
    );
}

#[tokio::test]
async fn one_client_is_shed_and_another_is_served() {
    let mut limits = Limits::default();
    limits.per_peer = Quota::new().calls(1);
    let office = Office::new(limits).await;
    let (_mesh, desk) = office.stranger(once()).await;
    let _first = held(&office, &desk).await;
    shed(&failure(desk.measure(vec![1]).await));
    // A client of another name.
    let socket = office.socket.clone();
    let answered = tokio::task::spawn_blocking(move || {
        let mut raw = crate::raw::Raw::connect(&socket);
        let arguments = serde_json::json!({ "len": 5 });
        let open = crate::raw::open(&crate::desk::DESK, "fill", 2, &arguments, true);
        raw.send(&open).expect("it is read");
        raw.next().expect("it is answered").kind
    });
    let answered = answered.await.expect("no panic");
    assert_eq!(answered, Some(meshrpc::wire::FrameType::Reply));
}

#[tokio::test]
async fn what_one_instance_sheds_another_takes() {
    let mut none = Limits::default();
    none.total = Quota::new().calls(0);
    let (full, free) = (
        Office::new(none).await,
        Office::new(Limits::default()).await,
    );
    let url = format!(
        "static:desk=unix:{}|unix:{}",
        full.socket.display(),
        free.socket.display()
    );
    let mesh = meshrpc::Mesh::open(&url).await.expect("a list is a mesh");
    let desk = <DeskClient as meshrpc::Client>::connect(&mesh, "desk");
    timely("both", desk.wait_ready_all())
        .await
        .expect("both can be reached");
    for call in 0..20 {
        let measured = desk.measure(vec![1; call]).await;
        assert_eq!(measured.expect("one takes it"), call as u64);
    }
    assert_eq!(full.counters().calls(), 0);
    assert!(full.counters().shed_by_calls() > 0, "it was not asked");
    assert_eq!(free.counters().calls(), 20);
}
