//! Runs of many seeds.

use std::{
    any::Any,
    fmt::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use crate::world::{Tally, World};

/// Failing seeds after which no more are run.
const ENOUGH: usize = 8;

/// A seed, and the rule that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Broken {
    pub(crate) seed: u64,
    pub(crate) what: String,
}

/// Runs one seed.
///
/// # Errors
/// The rule that did not hold.
pub(crate) fn run(seed: u64) -> Result<Tally, Broken> {
    let mut world = World::new(seed, false);
    conclude(&mut world)
        .map(|()| world.tally())
        .map_err(|what| Broken { seed, what })
}

/// Runs one seed and tells what happened, step by step.
pub(crate) fn tell(seed: u64) -> (String, Result<(), String>) {
    let mut world = World::new(seed, true);
    let result = conclude(&mut world);
    (world.log().join("\n"), result)
}

/// Runs seeds 0 to `count` on every core; what they came to, and those that failed, in order.
pub(crate) fn run_all(count: u64) -> (Tally, Vec<Broken>) {
    let next = AtomicU64::new(0);
    let enough = AtomicBool::new(false);
    let sums = Mutex::new((Tally::default(), Vec::new()));
    let work = || {
        let mut own = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count || enough.load(Ordering::Relaxed) {
                break;
            }
            match run(seed) {
                Ok(tally) => own.add(&tally),
                Err(broken) => {
                    let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                    sums.1.push(broken);
                    enough.store(sums.1.len() >= ENOUGH, Ordering::Relaxed);
                }
            }
        }
        let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
        sums.0.add(&own);
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    let (tally, mut broken) = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    broken.sort();
    (tally, broken)
}

/// What a tally says, a line for each.
pub(crate) fn told(tally: &Tally) -> String {
    tally
        .rows()
        .iter()
        .fold(String::new(), |mut text, (what, count)| {
            let _ = writeln!(text, "{count:>12} {what}");
            text
        })
}

/// A panic of the core is a rule that does not hold, too.
fn conclude(world: &mut World) -> Result<(), String> {
    let ran = catch_unwind(AssertUnwindSafe(|| world.run()));
    ran.unwrap_or_else(|panic| Err(format!("panicked: {}", message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}
