//! Calls that another instance answers.

use meshrpc::{
    Client, Kind, Started,
    testing::{Fault, Network},
};

use crate::{Drawer, Till as _, TillClient, rest};

const NAMES: [&str; 2] = ["left", "right"];

/// A client that is connected to two instances, `Till-0` and `Till-1`.
async fn two() -> (Network, [Drawer; 2], TillClient) {
    let network = Network::new();
    let drawers = NAMES.map(Drawer::named);
    let till: TillClient = network.pair_of(drawers.clone());
    Client::wait_ready_all(&till).await.unwrap();
    (network, drawers, till)
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_call_whose_reply_is_lost_is_answered_by_the_other_instance() {
    let (network, [left, right], till) = two().await;
    network.inject_open(Fault::to_client().kill_at(0).instance("Till-0"));
    for call in 0..4 {
        let answer = till.look(call, "shelf").await.unwrap();
        let runs = left.ran(call) + right.ran(call);
        assert!(answer.ends_with(&format!(":{call}:shelf:1")), "{answer}");
        assert_eq!(runs, 1 + u64::from(left.ran(call) == right.ran(call)));
    }
    assert_eq!(network.struck(), 1);
    let twice = (0..4).filter(|&call| left.ran(call) == 1 && right.ran(call) == 1);
    assert_eq!(twice.count(), 1, "one call ran at both instances");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_idempotent_never_runs_twice() {
    let (network, [left, right], till) = two().await;
    let mut failed = 0;
    for call in 0..20 {
        network.inject_open(Fault::to_client().kill_at(0));
        let result = till.charge(call, "shelf").await;
        rest().await;
        let runs = left.ran(call) + right.ran(call);
        match result {
            Ok(answer) => assert_eq!(runs, 1, "{answer}"),
            Err(error) => {
                crate::assert_truthful(&error, runs);
                failed += 1;
            }
        }
    }
    assert!(failed > 0, "no reply was lost");
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_connections_end_is_passed_over() {
    let (network, [left, right], till) = two().await;
    network.inject(Fault::to_client().kill_at(0).instance("Till-1"));
    network.kill_instance("Till-1");
    rest().await;
    for call in 0..10 {
        let answer = till.charge(call, "shelf").await.unwrap();
        assert_eq!(answer, format!("left:{call}:shelf:1"));
        assert_eq!((left.ran(call), right.ran(call)), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_isolated_instance_is_found_out_and_comes_back() {
    let (network, [_, right], till) = two().await;
    network.isolate("Till-1");
    let (first, second) = tokio::join!(till.charge(0, "shelf"), till.charge(1, "shelf"));
    let error = match (first, second) {
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
        both => panic!("each instance got one of the calls: {both:?}"),
    };
    assert_eq!(
        (error.kind(), error.started()),
        (Kind::Unavailable, Started::Unknown)
    );
    assert_eq!(error.instance(), Some("Till-1"));
    // Known by now: nobody is sent there.
    for call in 2..6 {
        let answer = till.charge(call, "shelf").await.unwrap();
        assert_eq!(answer, format!("left:{call}:shelf:1"));
    }
    network.heal();
    Client::wait_ready_all(&till).await.unwrap();
    for call in 6..8 {
        till.charge(call, "shelf").await.unwrap();
    }
    assert_eq!(right.ran(6) + right.ran(7), 1, "it has its share again");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_did_not_leave_goes_to_the_other_instance() {
    let (network, [_, right], till) = two().await;
    network.inject_open(Fault::to_server().kill_at(3).instance("Till-0"));
    for call in 0..2 {
        let answer = till.charge(call, "shelf").await.unwrap();
        assert_eq!(answer, format!("right:{call}:shelf:1"));
    }
    assert_eq!((network.struck(), right.ran(0), right.ran(1)), (1, 1, 1));
}
