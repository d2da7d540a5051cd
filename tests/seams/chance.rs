//! Faults at random, many at a time, while calls are made: what holds in every run.
//!
//! A run is told by its number alone: `MESHRPC_TEST_RUN=17 cargo test … --test seams chance` is run 17
//! again.

use std::{env, iter::repeat_with, time::Duration};

use fastrand::Rng;
use meshrpc::{
    Call, Client, Error, Kind, Started,
    testing::{Direction, Fault, Network, seed},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{Drawer, Till as _, TillClient};

const RUNS: u64 = 150;
const CALLS: u64 = 60;
const NAMES: [&str; 3] = ["left", "middle", "right"];

/// A call, and what came of it when.
#[derive(Debug, PartialEq)]
struct Outcome {
    call: u64,
    ended: Duration,
    result: Result<String, (Kind, Started)>,
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_no_call_runs_twice_unasked_or_brings_what_is_not_its_own() {
    let chosen = env::var("MESHRPC_TEST_RUN").ok();
    let runs = match chosen.and_then(|number| number.parse().ok()) {
        Some(run) => run..run + 1,
        None => 0..RUNS,
    };
    let ([mut answered, mut failed], mut struck) = ([0; 2], 0);
    for run in runs.clone() {
        let (outcomes, strikes) = story(run).await;
        let ok = outcomes.iter().filter(|o| o.result.is_ok()).count();
        answered += ok;
        failed += outcomes.len() - ok;
        struck += strikes;
    }
    if runs.end - runs.start == RUNS {
        assert!(answered > 1000, "{answered} calls were answered");
        assert!(failed > 100, "{failed} calls failed");
        assert!(struck > 500, "{struck} faults struck");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_of_the_same_number_is_the_same_run() {
    for run in 0..5 {
        let (first, second) = (story(run).await, story(run).await);
        let differs = first.0.iter().zip(&second.0).find(|(a, b)| a != b);
        assert!(differs.is_none(), "run {run}: {differs:?}");
        assert_eq!(first.1, second.1, "run {run}: faults that struck");
    }
}

/// Makes calls under random faults, and checks each; what came of them, and how often faults struck.
async fn story(run: u64) -> (Vec<Outcome>, u64) {
    seed(run);
    let mut rng = Rng::with_seed(run);
    let network = Network::new();
    let drawers = NAMES.map(Drawer::named);
    let till: TillClient = network.pair_of(drawers.clone());
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for call in 0..CALLS {
        let hasty = Call::new().deadline(Duration::from_secs(rng.u64(1..60)));
        let (till, begin) = (till.with(hasty), Duration::from_millis(rng.u64(..20_000)));
        let note = note(
            call,
            rng.usize(..40_000) / if rng.u8(..8) == 0 { 1 } else { 1000 },
        );
        calls.spawn(async move {
            sleep(begin).await;
            let result = match call % 2 {
                0 => till.charge(call, &note).await,
                _ => till.look(call, &note).await,
            };
            (call, note, start.elapsed(), result)
        });
    }
    for _ in 0..rng.u32(1..40) {
        sleep(Duration::from_millis(rng.u64(..1000))).await;
        sabotage(&network, &mut rng);
    }
    let mut ended = calls.join_all().await;
    network.heal();
    // Connections that bytes are missing from are found out by the pings of idle ones.
    sleep(Duration::from_secs(200)).await;
    ended.sort_by_key(|(call, ..)| *call);
    let outcomes = ended.into_iter().map(|(call, note, ended, result)| {
        check(run, call, &note, &result, &drawers);
        let result = result.map_err(|error| (error.kind(), error.started()));
        Outcome {
            call,
            ended,
            result,
        }
    });
    let outcomes = outcomes.collect();
    // Nothing is left of it once the network is whole.
    let whole = Client::wait_ready_all(&till).await;
    whole.unwrap_or_else(|error| panic!("run {run}: {error}"));
    for call in CALLS..CALLS + 6 {
        let answer = till.charge(call, "after").await;
        check(run, call, "after", &answer, &drawers);
        answer.unwrap_or_else(|error| panic!("run {run}: {error}"));
    }
    (outcomes, network.struck())
}

fn note(call: u64, length: usize) -> String {
    let letters = repeat_with(|| (b'a' + (call % 26) as u8) as char);
    letters.take(length).collect()
}

/// What holds of a call once everything has come to rest.
fn check(run: u64, call: u64, note: &str, result: &Result<String, Error>, drawers: &[Drawer]) {
    let ran: u64 = drawers.iter().map(|drawer| drawer.ran(call)).sum();
    let told = match result {
        Ok(answer) => {
            let own = drawers.iter().any(|drawer| {
                let own = |times| format!("{}:{call}:{note}:{times}", drawer.name);
                (1..=drawer.ran(call)).any(|times| *answer == own(times))
            });
            assert!(own, "run {run}, call {call} was answered {answer}");
            ran >= 1
        }
        Err(error) => match error.started() {
            Started::No => ran == 0,
            Started::Yes => ran >= 1,
            Started::Unknown => true,
        },
    };
    assert!(told, "run {run}, call {call} ran {ran} times: {result:?}");
    let once = call.is_multiple_of(2);
    assert!(
        !once || ran <= 1,
        "run {run}, call {call} ran {ran} times: {result:?}"
    );
}

/// Something goes wrong, or is mended.
fn sabotage(network: &Network, rng: &mut Rng) {
    let instance = format!("Till-{}", rng.usize(..NAMES.len()));
    match rng.u8(..14) {
        0 => network.kill(),
        1 => network.kill_instance(&instance),
        2 => network.partition(),
        3 => network.isolate(&instance),
        4 => network.refuse_next(rng.u64(1..6)),
        5..8 => network.heal(),
        8..11 => network.inject(fault(rng).instance(instance)),
        _ => network.inject_open(fault(rng)),
    }
}

fn fault(rng: &mut Rng) -> Fault {
    let fault = Fault::on(match rng.bool() {
        true => Direction::ToServer,
        false => Direction::ToClient,
    });
    let byte = rng.u64(..3000);
    match rng.u8(..6) {
        0 => fault.kill_at(byte),
        1 => fault.flip_bit(byte, rng.u8(..8)),
        2 => fault.swallow(byte..byte + rng.u64(1..50)),
        3 => fault.stall_at(byte),
        4 => fault.delay(Duration::from_millis(rng.u64(..4000))),
        _ => fault.pieces(rng.usize(1..200)),
    }
}
