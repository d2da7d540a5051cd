//! Deadlines: ten thousand at once, none, too short and too long.

use std::time::Duration;

use bytes::Bytes;
use meshrpc::{
    Kind, Started,
    wire::{Config, Event, Failure, OpenHead, Refusal, parse_open, put_open},
};
use proptest::prelude::*;

use crate::{Pair, events, head, reply_head};

const MANY: u32 = 10_000;

/// Every call ends with its deadline, on both sides, at one wake-up each; nothing is left of them,
/// and the connection goes on.
#[test]
fn fault_20_ten_thousand_deadlines_at_once_end_their_calls_and_nothing_else() {
    let mut pair = Pair::new(Config {
        max_streams: 2 * MANY,
        ..Config::default()
    });
    let time = Duration::from_secs(5);
    let deadline = pair.client_now + time;
    let hour = pair.client_now + Duration::from_secs(3600);
    let patient = pair.call("patient", Some(hour));
    for call in 0..MANY {
        pair.call(call.to_le_bytes().to_vec(), Some(deadline));
    }
    pair.settle();
    assert_eq!(events(&mut pair.server).len() as u32, MANY + 1, "handlers");

    pair.wait(time - Duration::from_millis(1));
    assert!(events(&mut pair.client).is_empty(), "a call ended too soon");
    pair.wait(Duration::from_millis(1));
    let ended = events(&mut pair.client).into_iter();
    let late = ended.filter(|event| {
        let Event::Failed {
            failure: Failure::Lost { started, cause },
            ..
        } = event
        else {
            panic!("{event:?}");
        };
        *started == Started::Unknown && cause.kind() == Kind::DeadlineExceeded
    });
    assert_eq!(late.count() as u32, MANY, "calls past their deadline");
    let stopped = events(&mut pair.server).into_iter();
    let ids: Vec<u64> = stopped
        .map(|event| match event {
            Event::Cancelled { id } => id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids.len() as u32, MANY, "handlers told to stop");
    for id in ids {
        pair.server.reply(id, &reply_head(), Bytes::new());
    }
    pair.settle();
    assert!(events(&mut pair.client).is_empty(), "a late answer arrived");

    pair.server.reply(patient, &reply_head(), "done");
    pair.settle();
    let answered = events(&mut pair.client);
    assert!(
        matches!(&answered[..], [Event::Reply { id, .. }] if *id == patient),
        "{answered:?}"
    );
    assert_eq!((pair.client.in_flight(), pair.server.in_flight()), (0, 0));
}

proptest! {
    /// A deadline reaches the callee as long as it was, to the millisecond: never longer, never as
    /// none. One that has passed sends nothing.
    #[test]
    fn fault_21_a_deadline_of_any_length_arrives_or_the_call_is_not_made(nanos in nanos()) {
        let mut pair = Pair::new(Config::default());
        let left = Duration::from_nanos(nanos);
        let deadline = pair.client_now + left;
        let made = pair.client.call(head(), Bytes::new(), Some(deadline), pair.client_now);
        if nanos == 0 {
            let Err(Refusal::Call(error)) = made else {
                return Err(TestCaseError::fail("a call without time was made"));
            };
            prop_assert_eq!(error.kind(), Kind::DeadlineExceeded);
            prop_assert_eq!(error.started(), Started::No);
            prop_assert!(pair.client_bytes().is_empty());
            return Ok(());
        }
        prop_assert!(made.is_ok(), "{:?}", made);
        pair.settle();
        let told = events(&mut pair.server).into_iter().find_map(|event| match event {
            Event::Call { deadline, .. } => Some(deadline),
            _ => None,
        });
        let Some(Some(told)) = told else {
            return Err(TestCaseError::fail(format!("{told:?} arrived of {left:?}")));
        };
        let told = told - pair.server_now;
        let most = Duration::from_millis(u32::MAX.into());
        let exact = left.min(most);
        let gap = Duration::from_millis(1);
        prop_assert!(told <= exact + gap, "{:?} of {:?}", told, left);
        prop_assert!(told + gap > exact, "{:?} of {:?}", told, left);
        prop_assert!(told > Duration::ZERO);
    }

    /// Whatever time a head says, reading it and adding it to a clock is no overflow.
    #[test]
    fn fault_21_a_time_of_any_size_in_a_head_is_read(ms in prop_oneof![any::<u32>(), Just(u32::MAX)]) {
        let mut bytes = Vec::new();
        put_open(&mut bytes, &OpenHead { time_left: Some(Duration::MAX), ..head() });
        bytes[16..20].copy_from_slice(&ms.to_le_bytes());
        let (read, _) = parse_open(bytes.into()).expect("a head");
        let expected = (ms != 0).then(|| Duration::from_millis(ms.into()));
        prop_assert_eq!(read.time_left, expected);
    }
}

/// A call that waited for its turn until its time was over is not one without a deadline.
#[test]
fn fault_21_no_time_left_is_not_written_as_no_deadline() {
    let mut bytes = Vec::new();
    let time_left = Some(Duration::ZERO);
    put_open(
        &mut bytes,
        &OpenHead {
            time_left,
            ..head()
        },
    );
    let (read, _) = parse_open(bytes.into()).expect("a head");
    assert_eq!(read.time_left, Some(Duration::from_millis(1)));
}

/// From nothing to centuries, with the edges of units.
fn nanos() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(1),
        1u64..2_000_000,
        any::<u32>().prop_map(u64::from),
        (0u64..64).prop_map(|bit| 1 << bit),
        Just(u64::MAX),
    ]
}
