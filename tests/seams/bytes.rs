//! A fault at every byte of a connection: no wrong value, no answer to another call, no method that
//! runs twice, and no error that is wrong about whether it ran.

use futures_util::future::join_all;
use meshrpc::{
    Started,
    testing::{Direction, Fault, Network, seed},
};

use crate::{Drawer, Till as _, TillClient, assert_truthful, rest};

const NOTES: [&str; 4] = ["bread", "a bottle of milk", "", "bread"];

/// What came of the calls under all faults.
#[derive(Debug, Default)]
struct Seen {
    answered: u64,
    failed_not_run: u64,
    failed_run: u64,
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_wherever_the_connection_ends_before_its_request_has_left() {
    let seen = at_every_byte(1, Direction::ToServer, Fault::kill_at).await;
    assert_eq!((seen.failed_not_run, seen.failed_run), (0, 0), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_has_run_wherever_the_connection_ends_in_its_reply() {
    let seen = at_every_byte(1, Direction::ToClient, Fault::kill_at).await;
    assert!(seen.failed_run > 0, "{seen:?}");
    assert_eq!(seen.failed_not_run, 0, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_end_at_every_byte_of_many_requests() {
    at_every_byte(4, Direction::ToServer, Fault::kill_at).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_end_at_every_byte_of_many_replies() {
    let seen = at_every_byte(4, Direction::ToClient, Fault::kill_at).await;
    assert!(seen.failed_run > 0, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn fault_06_a_flipped_bit_of_a_request_is_never_delivered() {
    for bit in 0..8 {
        let flip = |fault: Fault, byte| fault.flip_bit(byte, bit);
        let seen = at_every_byte(4, Direction::ToServer, flip).await;
        assert!(seen.failed_not_run > 0, "{seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fault_06_a_flipped_bit_of_a_reply_is_never_delivered() {
    for bit in 0..8 {
        let flip = |fault: Fault, byte| fault.flip_bit(byte, bit);
        let seen = at_every_byte(4, Direction::ToClient, flip).await;
        assert!(seen.failed_run > 0, "{seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_byte_of_a_request_may_be_missing() {
    let miss = |fault: Fault, byte| fault.swallow(byte..=byte);
    let seen = at_every_byte(2, Direction::ToServer, miss).await;
    assert!(seen.failed_not_run > 0, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn every_byte_of_a_reply_may_be_missing() {
    let miss = |fault: Fault, byte| fault.swallow(byte..=byte);
    let seen = at_every_byte(2, Direction::ToClient, miss).await;
    assert!(seen.failed_run > 0, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_end_within_a_large_body() {
    let note = "a long list of things ".repeat(5_000);
    for direction in [Direction::ToServer, Direction::ToClient] {
        let seen = sweep(&[&note], (0..).step_by(911), direction, Fault::kill_at).await;
        assert_eq!(seen.failed_not_run, 0, "{seen:?}");
        if direction == Direction::ToServer {
            assert_eq!(seen.failed_run, 0, "{seen:?}");
        } else {
            assert!(seen.failed_run > 100, "{seen:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_bit_may_flip_within_a_large_body() {
    let note = "a long list of things ".repeat(5_000);
    for direction in [Direction::ToServer, Direction::ToClient] {
        let flip = |fault: Fault, byte| fault.flip_bit(byte, 4);
        let seen = sweep(&[&note], (0..).step_by(911), direction, flip).await;
        assert!(seen.failed_run + seen.failed_not_run > 100, "{seen:?}");
    }
}

/// Makes calls, so many at a time, on a first connection with a fault at byte 0, at byte 1, and so
/// on, until it has no such byte.
async fn at_every_byte(
    calls: usize,
    direction: Direction,
    fault: impl Fn(Fault, u64) -> Fault,
) -> Seen {
    sweep(&NOTES[..calls], 0.., direction, fault).await
}

/// Makes a call with each of the notes, all at a time, on a first connection with a fault at the
/// first of `bytes`, at the second, and so on, until it has no such byte.
async fn sweep(
    notes: &[&str],
    bytes: impl Iterator<Item = u64>,
    direction: Direction,
    fault: impl Fn(Fault, u64) -> Fault,
) -> Seen {
    seed(1);
    let mut seen = Seen::default();
    for byte in bytes.take(10_000) {
        let network = Network::new();
        network.inject(fault(Fault::on(direction), byte).connection(1));
        let drawer = Drawer::named("drawer");
        let till: TillClient = network.pair(drawer.clone());
        let made = (0..).zip(notes);
        let results = join_all(made.map(|(call, note)| till.charge(call, note))).await;
        rest().await;
        for ((call, note), result) in (0..).zip(notes).zip(&results) {
            let ran = drawer.ran(call);
            match result {
                Ok(answer) => {
                    assert_eq!(*answer, format!("drawer:{call}:{note}:1"), "byte {byte}");
                    assert_eq!(ran, 1, "byte {byte}: {answer}");
                    seen.answered += 1;
                }
                Err(error) => {
                    assert_truthful(error, ran);
                    // What did not run for sure is made again by the client itself.
                    assert_ne!(error.started(), Started::No, "byte {byte}: {error}");
                    seen.failed_not_run += u64::from(ran == 0);
                    seen.failed_run += ran;
                }
            }
        }
        if network.struck() == 0 {
            assert!(results.iter().all(Result::is_ok), "{results:?}");
            assert!(byte > 100, "only {byte} bytes went this way");
            assert!(
                seen.answered > notes.len() as u64,
                "no call survived a fault"
            );
            return seen;
        }
    }
    panic!("the connection has no last byte");
}
