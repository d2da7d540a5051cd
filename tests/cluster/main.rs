//! Clients, servers, the balancer and a `local:` mesh together, in virtual time, while instances come,
//! go, hang and lie. Connections are pairs in memory; the registry is the real one, with its files,
//! locks and follower, in step with the virtual clock.
//!
//! A run is told by its number. `MESHRPC_TEST_RUN=17 cargo test -p meshrpc-tests --test cluster story`
//! is run 17 again, some times over, since tasks that wake at the same instant run in no fixed order;
//! `MESHRPC_TEST_RUNS=20000` makes so many runs.
//!
//! # Layout
//! - `story`: a run, and what holds of it
//! - `ejection`: instances that are left out, and not too many of them
//! - `herd`: many clients, and many calls, that fail together
//! - `trouble`: what may go wrong with an instance
//! - `town`: instances and clients
//! - `directory`: the registry, and what it is made to say
//! - `wires`, `line`, `door`: the network, and whether anybody dials too often
//! - `pace`: the rule of dials
//! - `sick`: a layer that says its instance is unavailable

mod directory;
mod door;
mod ejection;
mod herd;
mod line;
mod pace;
mod sick;
mod story;
mod town;
mod trouble;
mod wires;

use std::{
    env,
    fs::Permissions,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use meshrpc::{Error, mesh_service};
use pace::Pace;
use story::{Outcome, story};

/// The deployment under test.
const DEPLOYMENT: &str = "till";
/// Runs, unless the environment wants others.
const RUNS: u64 = 240;
/// Runs that are made twice.
const AGAIN: u64 = 12;
/// Times that a run is made again which the environment asks for.
const TIMES: u64 = 10;
/// Threads that make runs. They mostly wait for the registry's thread.
const THREADS: usize = 6;

/// A till: charging twice is a fault, looking twice is none.
#[mesh_service]
pub(crate) trait Till {
    async fn charge(&self, call: u64) -> Result<String, Error>;
    #[mesh(idempotent)]
    async fn look(&self, call: u64) -> Result<String, Error>;
}

#[test]
fn story_after_story_no_call_runs_twice_and_none_is_lost() {
    let number = |name: &str| env::var(name).ok()?.parse::<u64>().ok();
    let runs = match (number("MESHRPC_TEST_RUN"), number("MESHRPC_TEST_RUNS")) {
        (Some(run), _) => vec![run; TIMES as usize],
        (None, runs) => (0..runs.unwrap_or(RUNS)).collect(),
    };
    let next = AtomicUsize::new(0);
    let outcomes = thread::scope(|scope| {
        let run_some = || {
            let mut outcomes = Vec::new();
            loop {
                let Some(&run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    return outcomes;
                };
                outcomes.push(run_alone(run));
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run_some)).collect();
        let mut outcomes = Vec::new();
        for thread in threads {
            outcomes.extend(
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        outcomes
    });

    let (mut pace, mut total) = (Pace::default(), Outcome::default());
    for outcome in &outcomes {
        pace.add(&outcome.pace);
        total.answered += outcome.answered;
        total.failed += outcome.failed;
        total.moved += outcome.moved;
    }
    if outcomes.len() as u64 >= RUNS {
        let Outcome {
            answered,
            failed,
            moved,
            ..
        } = total;
        assert!(answered > 50 * RUNS, "{answered} calls were answered");
        assert!(failed > RUNS, "{failed} calls failed");
        assert!(moved > RUNS / 4, "{moved} sessions had to move");
        // Full jitter: any wait up to the bound is as likely as any other.
        assert!(pace.len() as u64 > RUNS, "{} waits", pace.len());
        for part in [0.1, 0.25, 0.5, 0.75, 0.9] {
            let share = pace.shorter_than(part);
            assert!(
                (share - part).abs() < 0.08,
                "{share} of {} waits are shorter than {part} of their bound",
                pace.len()
            );
        }
    }
}

/// What happens at the same instant, tokio may do in another order; most runs have no such instant
/// that matters.
#[test]
fn most_runs_of_the_same_number_are_the_same_run() {
    let same = (0..AGAIN).filter(|&run| {
        let (first, second) = (run_alone(run), run_alone(run));
        first.seen == second.seen
    });
    let same = same.count() as u64;
    assert!(same > AGAIN / 2, "{same} of {AGAIN} runs can be repeated");
}

/// A run on a clock and in a folder of its own.
fn run_alone(run: u64) -> Outcome {
    alone(async |folder| story(run, folder).await)
}

/// Runs something on a paused clock of its own, with a folder for a registry.
fn alone<T>(run: impl AsyncFnOnce(&Path) -> T) -> T {
    let folder = tempfile::Builder::new()
        .prefix("mesh")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in("/tmp")
        .expect("a folder can be made");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime can be made");
    runtime.block_on(run(folder.path()))
}
