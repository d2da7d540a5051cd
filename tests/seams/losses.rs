//! Replies, requests and dials that are lost.

use std::time::Duration;

use meshrpc::{
    Kind, Started,
    testing::{Direction, Fault, Network},
};
use tokio::{task::JoinSet, time::Instant};

use crate::{Drawer, Till as _, TillClient, assert_truthful, rest};

#[tokio::test(start_paused = true)]
async fn a_lost_reply_leaves_open_whether_the_call_ran() {
    let (network, drawer) = (Network::new(), Drawer::named("drawer"));
    let till: TillClient = network.pair(drawer.clone());
    till.charge(1, "first").await.unwrap();
    network.inject_open(Fault::to_client().kill_at(0));
    let error = till.charge(2, "second").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.started(), error.attempts()),
        (Kind::Unavailable, Started::Unknown, 1),
        "{error}"
    );
    assert_eq!(error.instance(), Some("Till-0"));
    assert_eq!(drawer.ran(2), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_did_not_leave_is_made_on_the_next_connection() {
    let (network, drawer) = (Network::new(), Drawer::named("drawer"));
    let till: TillClient = network.pair(drawer.clone());
    till.charge(1, "first").await.unwrap();
    network.inject_open(Fault::to_server().kill_at(10));
    assert_eq!(till.charge(2, "second").await.unwrap(), "drawer:2:second:1");
    assert_eq!((network.struck(), network.connections()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn fault_01_a_half_open_peer_is_told_from_a_slow_one_by_its_silence() {
    let (network, drawer) = (Network::new(), Drawer::named("drawer"));
    let till: TillClient = network.pair(drawer.clone());
    till.charge(1, "first").await.unwrap();
    network.inject_open(Fault::to_server().swallow(..));
    let start = Instant::now();
    let error = till.charge(2, "second").await.unwrap_err();
    // 15 s of silence, and 10 s in which a ping is not answered.
    assert_eq!(start.elapsed().as_secs(), 25, "{error}");
    assert_eq!(
        (error.kind(), error.started()),
        (Kind::Unavailable, Started::Unknown)
    );
    rest().await;
    assert_eq!(drawer.ran(2), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_server_that_refuses_at_first() {
    let network = Network::new();
    network.refuse_next(3);
    let till: TillClient = network.pair(Drawer::named("drawer"));
    assert_eq!(till.charge(1, "a").await.unwrap(), "drawer:1:a:1");
    assert_eq!((network.struck(), network.connections()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_never_reached_fails_the_call_at_its_deadline_not_started() {
    let network = Network::new();
    network.refuse_next(u64::MAX);
    let till: TillClient = network.pair(Drawer::named("drawer"));
    let start = Instant::now();
    let error = till.charge(1, "a").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.started()),
        (Kind::DeadlineExceeded, Started::No)
    );
    assert!(error.to_string().contains("connection refused"), "{error}");
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn killed_connections_fail_the_calls_on_them_and_no_others() {
    let (network, drawer) = (Network::new(), Drawer::named("drawer"));
    let till: TillClient = network.pair(drawer.clone());
    let held = tokio::spawn({
        let till = till.clone();
        async move { till.hold(1).await }
    });
    rest().await;
    network.kill();
    let error = held.await.unwrap().unwrap_err();
    assert_eq!(
        (error.kind(), error.started()),
        (Kind::Unavailable, Started::Unknown)
    );
    assert_eq!(till.charge(2, "after").await.unwrap(), "drawer:2:after:1");
    assert_eq!(drawer.ran(1), 1);
}

#[tokio::test(start_paused = true)]
async fn pieces_of_one_byte_arrive_as_the_same_calls() {
    let network = Network::new();
    network.inject(Fault::to_server().pieces(1));
    network.inject(Fault::to_client().pieces(1));
    let till: TillClient = network.pair(Drawer::named("drawer"));
    let note = "long ".repeat(10_000);
    let answer = till.charge(1, &note).await.unwrap();
    assert_eq!(answer, format!("drawer:1:{note}:1"));
    assert!(network.bytes(Direction::ToServer) > 50_000);
    assert!(network.bytes(Direction::ToClient) > 50_000);
}

#[tokio::test(start_paused = true)]
async fn a_stall_holds_back_what_comes_after_its_byte_until_it_is_healed() {
    let network = Network::new();
    let till: TillClient = network.pair(Drawer::named("drawer"));
    till.charge(1, "first").await.unwrap();
    network.inject_open(Fault::to_client().stall_at(5));
    let call = till.charge(2, "second");
    tokio::pin!(call);
    let waiting = tokio::time::timeout(Duration::from_secs(5), &mut call).await;
    assert!(waiting.is_err(), "{waiting:?}");
    assert_eq!(network.struck(), 1);
    network.heal();
    assert_eq!(call.await.unwrap(), "drawer:2:second:1");
    assert_eq!(network.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn requests_that_a_lost_connection_had_not_sent_are_not_sent_after_all() {
    let (network, drawer) = (Network::new(), Drawer::named("drawer"));
    let till: TillClient = network.pair(drawer.clone());
    till.charge(0, "first").await.unwrap();
    network.partition();
    let mut calls = JoinSet::new();
    for call in 1..60 {
        // More than is taken on the way together, little enough to be sent in one piece each.
        let (till, note) = (till.clone(), "note ".repeat(3_000));
        calls.spawn(async move { (call, till.charge(call, &note).await) });
    }
    // The connection was given up a moment before: what it had not sent is called elsewhere.
    tokio::time::sleep(Duration::from_millis(25_200)).await;
    network.heal();
    let results = calls.join_all().await;
    rest().await;
    for (call, result) in &results {
        let ran = drawer.ran(*call);
        match result {
            Ok(answer) => assert_eq!(ran, 1, "{answer:.20}"),
            Err(error) => assert_truthful(error, ran),
        }
    }
    let answered = results.iter().filter(|(_, result)| result.is_ok()).count();
    assert!(
        (1..59).contains(&answered),
        "{answered} calls were answered"
    );
}
