//! Ten thousand calls at a time.

use std::time::Duration;

use meshrpc::{Call, Kind, Started, testing::Network};
use tokio::{task::JoinSet, time::Instant};

use crate::{Drawer, Till as _, TillClient, rest};

const MANY: u64 = 10_000;

/// Each ends with its deadline and not later, those that waited for their turn as those that ran;
/// and nothing stays behind: neither a handler, nor a stream, nor the connection's health.
#[tokio::test(start_paused = true)]
async fn fault_20_ten_thousand_deadlines_at_once_end_ten_thousand_calls_in_time() {
    let (network, drawer) = (Network::new(), Drawer::named("drawer"));
    let till: TillClient = network.pair(drawer.clone());
    till.charge(MANY, "first").await.unwrap();
    let time = Duration::from_secs(5);
    let start = Instant::now();
    for round in 0..2 {
        let mut calls = JoinSet::new();
        for call in 0..MANY {
            let hasty = till.with(Call::new().deadline(time));
            calls.spawn(async move { (call, hasty.hold(call + round * MANY * 2).await) });
        }
        let mut ran = 0;
        while let Some(ended) = calls.join_next().await {
            let (call, answer) = ended.unwrap();
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), Kind::DeadlineExceeded, "{call}: {error}");
            let began = drawer.ran(call + round * MANY * 2);
            crate::assert_truthful(&error, began);
            ran += began;
            // What waited for its turn says that it did not run.
            assert_eq!(error.started() == Started::No, began == 0, "{call}");
        }
        let late = start.elapsed() - time * (u32::try_from(round).unwrap() + 1);
        assert!(late < Duration::from_millis(20), "{late:?} late");
        // As many as a connection has streams, in each round: none is left from the one before.
        assert_eq!(ran, 1024, "round {round}");
        rest().await;
    }
    let answer = till.charge(MANY + 1, "after").await.unwrap();
    assert_eq!(answer, format!("drawer:{}:after:1", MANY + 1));
    assert_eq!(network.connections(), 1);
}
