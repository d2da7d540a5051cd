//! Two connection cores in virtual time: whatever the order of bytes, calls, timers and losses, no
//! call has two answers or another's, what is said not to have started did not, every call ends,
//! credit is conserved, and nothing is left behind.
//!
//! A seed decides everything. A thousand are run here; `MESHRPC_SIM_SEEDS=100000` runs more, on
//! every core, best with `--release`. A seed that fails is printed; `MESHRPC_SIM_SEED=17` runs that
//! one alone and prints what happened in it.
//!
//! # Layout
//! - `seeds`: runs of many seeds
//! - `world`: what happens in one, and what has to hold

mod planted;
mod seeds;
mod world;

use std::env;

/// Seeds that are run where nobody says how many.
const SEEDS: u64 = 1_000;

#[test]
fn no_order_of_events_breaks_a_rule() {
    if let Some(seed) = number("MESHRPC_SIM_SEED") {
        let (told, result) = seeds::tell(seed);
        println!("{told}");
        if let Err(what) = result {
            panic!("seed {seed}: {what}");
        }
        return;
    }
    let count = number("MESHRPC_SIM_SEEDS").unwrap_or(SEEDS);
    let (tally, broken) = seeds::run_all(count);
    println!("{count} seeds\n{}", seeds::told(&tally));
    let broken: Vec<String> = broken
        .iter()
        .map(|broken| format!("seed {}: {}", broken.seed, broken.what))
        .collect();
    assert!(
        broken.is_empty(),
        "{}\nMESHRPC_SIM_SEED=<seed> tells what happened",
        broken.join("\n")
    );
    // A run in which nothing happens breaks no rule either.
    for (what, times) in tally.rows() {
        assert!(times > 0, "no seed came to this: {what}");
    }
}

fn number(variable: &str) -> Option<u64> {
    let value = env::var(variable).ok()?;
    match value.parse() {
        Ok(number) => Some(number),
        Err(_) => panic!("{variable}={value} is no number"),
    }
}
