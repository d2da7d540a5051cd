//! An instance that is stopped, as by SIGSTOP: connected, and silent.

use std::time::Duration;

use meshrpc::{Call, Kind, Started};
use meshrpc_tests::{
    ledger::Ledger as _,
    process::{Town, alone, cause, eventually},
};
use tokio::task::JoinSet;

use crate::LEDGER;

#[test]
fn fault_23_calls_to_a_frozen_instance_end_by_their_deadline_and_others_go_on() {
    alone(LEDGER, async |town: Town| {
        let [_first, second] = town.start(["ledger-1", "ledger-2"]).await;
        let client = town.client().await;
        second.freeze();
        let mut calls = JoinSet::new();
        for call in 0..20 {
            // Those of the other instance have time to be answered.
            let deadline = Call::new().deadline(Duration::from_secs(2));
            let client = client.with(deadline);
            calls.spawn(async move { client.add(call, 0, &[]).await });
        }
        let (mut answered, mut late) = (0, 0);
        while let Some(ended) = calls.join_next().await {
            match ended.expect("no panic") {
                Ok(who) => {
                    assert_eq!(who.name, "ledger-1");
                    answered += 1;
                }
                Err(error) => {
                    let cause = cause(&error);
                    assert_eq!(cause.kind(), Kind::DeadlineExceeded, "{error:#}");
                    assert_eq!(cause.started(), Started::Unknown, "{error:#}");
                    assert_eq!(cause.instance(), Some("ledger-2"), "{error:#}");
                    late += 1;
                }
            }
        }
        assert_eq!((answered, late), (10, 10));

        second.thaw();
        eventually("it answers again", async || {
            let who = client.who().await.expect("it answers");
            who.pid == second.pid()
        })
        .await;
    });
}
