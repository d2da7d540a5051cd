//! How often a client tries.

use std::{
    os::unix::net::UnixListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use meshrpc::{Call, ClientLimits, Kind, Limit, Limits, Mesh, client::RetryBudget, server::Quota};
use tempfile::TempDir;

use crate::{
    desk::{CAP, Desk as _, DeskClient, Office, failure},
    table::says,
};

/// Times that a call is handed to a callee that takes none.
async fn attempts(limits: ClientLimits) -> u64 {
    let mut none = Limits::default();
    none.total = Quota::new().calls(0);
    let office = Office::new(none).await;
    let (_mesh, desk) = office.stranger(limits).await;
    let error = failure(desk.with(Call::new().deadline(CAP)).measure(vec![1]).await);
    let limit = Limit::Load;
    assert_eq!(error.kind(), Kind::Refused { limit });
    let attempts = office.counters().shed_by_calls();
    assert_eq!(u64::from(error.attempts()), attempts);
    attempts
}

#[tokio::test]
async fn a_call_is_handed_out_as_often_as_it_may_be() {
    assert_eq!(attempts(ClientLimits::default()).await, 5);
    let mut limits = ClientLimits::default();
    limits.max_attempts = 2;
    assert_eq!(attempts(limits).await, 2);
}

#[tokio::test]
async fn calls_are_made_again_as_often_as_the_budget_allows() {
    let mut limits = ClientLimits::default();
    let mut none = RetryBudget::default();
    (none.burst, none.per_success, none.per_second) = (0.0, 0.0, 0.0);
    limits.retries = none;
    assert_eq!(attempts(limits).await, 1);
    let mut limits = ClientLimits::default();
    let mut two = none;
    two.burst = 2.0;
    limits.retries = two;
    assert_eq!(attempts(limits).await, 3);
}

/// A client of whoever listens there.
async fn client(folder: &TempDir, limits: ClientLimits) -> (Mesh, DeskClient) {
    let url = format!("static:desk=unix:{}/socket", folder.path().display());
    let mesh = Mesh::open(&url).await.expect("a list is a mesh");
    let mesh = mesh.limits(limits);
    let desk = DeskClient::connect(&mesh, "desk");
    (mesh, desk)
}

#[tokio::test]
async fn a_dial_that_takes_too_long_is_given_up() {
    let folder = TempDir::new().expect("a folder");
    // It is connected to, and says nothing.
    let _listener = UnixListener::bind(folder.path().join("socket")).expect("a socket");
    let (mut dial, mut handshake) = (ClientLimits::default(), ClientLimits::default());
    dial.dial_timeout = Duration::from_millis(100);
    handshake.handshake_timeout = Duration::from_millis(100);
    for (limits, row) in [(dial, "a dial's time"), (handshake, "a handshake's time")] {
        let (_mesh, desk) = client(&folder, limits).await;
        let desk = desk.with(Call::new().deadline(Duration::from_secs(2)));
        let error = failure(desk.measure(vec![1]).await);
        says(row, &error.to_string());
    }
}

#[tokio::test]
async fn dials_are_spaced_as_the_back_off_says() {
    let folder = TempDir::new().expect("a folder");
    let listener = UnixListener::bind(folder.path().join("socket")).expect("a socket");
    let dials = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&dials);
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            count.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let spaced = |time| {
        let mut limits = ClientLimits::default();
        (limits.first_backoff, limits.longest_backoff) = (time, time);
        limits
    };
    // At random within ten days: not while this test lasts.
    let (_mesh, _patient) = client(&folder, spaced(Duration::from_secs(864_000))).await;
    while dials.load(Ordering::SeqCst) < 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (_mesh, _eager) = client(&folder, spaced(Duration::ZERO)).await;
    let end = tokio::time::Instant::now() + CAP;
    while dials.load(Ordering::SeqCst) < 50 {
        assert!(tokio::time::Instant::now() < end, "it waits between dials");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(_eager);
    drop(_mesh);
}
