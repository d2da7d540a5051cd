//! Calls from many tasks at a time, each with a number of its own, and what became of each.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use meshrpc::{Kind, Started};
use tokio::task::JoinSet;

use super::cause;
use crate::ledger::{Entry, Ledger as _, LedgerClient, Who};

/// Calls one load makes at most, so that it ends by itself.
const MOST: u64 = 20_000;

/// Calls under way.
pub struct Load {
    tasks: JoinSet<()>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// Milliseconds between the calls of a task.
    pause: AtomicU64,
    next: AtomicU64,
    outcomes: Mutex<BTreeMap<u64, Outcome>>,
}

/// What the caller was told of a call.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Answered, and by whom.
    Done(Who),
    /// An error.
    Failed {
        /// What kind of error it is.
        kind: Kind,
        /// Whether it may have run.
        started: Started,
        /// Where, if that is known.
        instance: Option<String>,
        /// The whole text.
        message: String,
    },
}

/// What is called.
#[derive(Clone, Copy, Debug)]
pub enum Method {
    /// `add`, some with this many bytes of ballast.
    Add {
        /// Bytes.
        ballast: usize,
    },
    /// `lookup`, which is idempotent.
    Lookup,
}

impl Load {
    /// `tasks` tasks that call until told to stop; a call takes up to four milliseconds.
    pub fn start(client: &LedgerClient, method: Method, tasks: u64) -> Self {
        let shared = Arc::<Shared>::default();
        let mut set = JoinSet::new();
        for _ in 0..tasks {
            let (client, shared) = (client.clone(), Arc::clone(&shared));
            set.spawn(async move {
                while !shared.stop.load(Ordering::Relaxed) {
                    let call = shared.next.fetch_add(1, Ordering::Relaxed);
                    if call >= MOST {
                        break;
                    }
                    let answer = match method {
                        Method::Add { ballast } => {
                            let ballast = vec![7; if call % 3 == 0 { ballast } else { 0 }];
                            client.add(call, call % 5, &ballast).await
                        }
                        Method::Lookup => client.lookup(call, call % 5).await,
                    };
                    shared.outcomes().insert(call, Outcome::of(answer));
                    let pause = shared.pause.load(Ordering::Relaxed);
                    if pause > 0 {
                        tokio::time::sleep(Duration::from_millis(pause)).await;
                    }
                }
            });
        }
        Self { tasks: set, shared }
    }

    /// From now on with a pause after each call, so that it can go on for minutes.
    #[must_use]
    pub fn slow(self) -> Self {
        self.shared.pause.store(20, Ordering::Relaxed);
        self
    }

    /// Calls that have ended.
    pub fn ended(&self) -> usize {
        self.shared.outcomes().len()
    }

    /// Calls that have failed.
    pub fn failed(&self) -> usize {
        failures(&self.shared.outcomes()).len()
    }

    /// Calls that this process answered.
    pub fn answered_by(&self, pid: u32) -> usize {
        let outcomes = self.shared.outcomes();
        let by = |outcome: &&Outcome| matches!(outcome, Outcome::Done(who) if who.pid == pid);
        outcomes.values().filter(by).count()
    }

    /// Lets the calls under way end.
    pub async fn stop(mut self) -> BTreeMap<u64, Outcome> {
        self.shared.stop.store(true, Ordering::Relaxed);
        while let Some(task) = self.tasks.join_next().await {
            task.expect("calls do not panic");
        }
        let calls = self.shared.next.load(Ordering::Relaxed);
        assert!(calls < MOST, "the load ended before the test did");
        std::mem::take(&mut *self.shared.outcomes())
    }
}

impl Shared {
    fn outcomes(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Outcome>> {
        self.outcomes.lock().expect("calls do not panic")
    }
}

impl Outcome {
    /// What the caller is told by `answer`.
    pub fn of(answer: anyhow::Result<Who>) -> Self {
        match answer {
            Ok(who) => Outcome::Done(who),
            Err(error) => {
                let cause = cause(&error);
                Outcome::Failed {
                    kind: cause.kind(),
                    started: cause.started(),
                    instance: cause.instance().map(str::to_owned),
                    message: format!("{error:#}"),
                }
            }
        }
    }
}

/// The calls that failed.
pub fn failures(outcomes: &BTreeMap<u64, Outcome>) -> Vec<(u64, Outcome)> {
    let failed = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Failed { .. }));
    failed
        .map(|(call, outcome)| (*call, outcome.clone()))
        .collect()
}

/// Asserts that calls failed at these instances alone, at each of them at most `most` times, and none
/// that did not start: such a call is made elsewhere.
pub fn failed_at(instances: &[&str], most: u64, outcomes: &BTreeMap<u64, Outcome>) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (call, outcome) in outcomes {
        let Outcome::Failed {
            started, instance, ..
        } = outcome
        else {
            continue;
        };
        let at = instance.as_deref().unwrap_or("nowhere");
        assert!(instances.contains(&at), "{call}: {outcome:?}");
        assert_ne!(*started, Started::No, "{call}: {outcome:?}");
        *counts.entry(at).or_default() += 1;
    }
    let is_within = counts.values().all(|count| *count <= most);
    assert!(is_within, "more than {most}: {counts:?}");
}

/// Compares what callers were told with the books: nothing ran twice, what was answered ran where
/// the answer says, and what is said not to have started did not.
pub fn check(outcomes: &BTreeMap<u64, Outcome>, entries: &[Entry]) {
    let mut ran: BTreeMap<u64, Vec<&Who>> = BTreeMap::new();
    for entry in entries {
        ran.entry(entry.call).or_default().push(&entry.by);
    }
    for (call, by) in &ran {
        assert_eq!(by.len(), 1, "call {call} ran at {by:?}");
        assert!(outcomes.contains_key(call), "call {call} was never made");
    }
    for (call, outcome) in outcomes {
        let by = ran.get(call).map(|by| by[0]);
        match outcome {
            Outcome::Done(who) => assert_eq!(by, Some(who), "call {call} was answered by {who:?}"),
            Outcome::Failed {
                started: Started::No,
                message,
                ..
            } => assert_eq!(
                by, None,
                "call {call} did run, and its error says not: {message}"
            ),
            Outcome::Failed {
                started: Started::Yes,
                message,
                ..
            } => assert!(by.is_some(), "call {call} did not run: {message}"),
            Outcome::Failed { .. } => {}
        }
    }
}
