//! Counts the instructions that encoding, decoding and the core of a connection take, and fails
//! when one of them rose above its baseline.
//!
//! Time says little on a machine that others use as well; the number of instructions is the same
//! each time, as long as compiler and C library are. `docs/performance.md` says how to run it.

mod baseline;
mod callgrind;
mod codec;
mod connection;
mod scenario;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use baseline::{Baseline, Change, Platform};
use clap::Parser;
use scenario::SCENARIOS;

/// How much more than its baseline a scenario may take.
const TOLERANCE: f64 = 0.05;

/// Counts instructions with valgrind, and compares them with the baseline.
#[derive(Parser)]
struct Arguments {
    /// Writes the baseline anew.
    #[arg(long)]
    rebase: bool,
    /// The baseline.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.json"))]
    baseline: PathBuf,
    /// Runs one scenario, for a profiler to look at.
    #[arg(long, conflicts_with = "rebase")]
    run: Option<String>,
}

fn main() -> ExitCode {
    match act(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("instructions: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(name) = &arguments.run {
        scenario::find(name)?.run();
        return Ok(ExitCode::SUCCESS);
    }
    let platform = Platform::here()?;
    let mut counts = Vec::new();
    for scenario in SCENARIOS {
        let count = callgrind::count(scenario).with_context(|| scenario.name)?;
        counts.push((scenario.name, count));
    }
    let now = Baseline::new(platform, counts);
    if arguments.rebase {
        now.write(&arguments.baseline)?;
        println!(
            "{} scenarios are in {}",
            now.len(),
            arguments.baseline.display()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let then = Baseline::read(&arguments.baseline)?;
    Ok(report(&now, &then))
}

/// Prints what changed. Fails where something rose, if the two can be compared.
fn report(now: &Baseline, then: &Baseline) -> ExitCode {
    let mut risen = 0;
    let mut missing = 0;
    for change in now.since(then) {
        let remark = match change {
            Change::New { .. } | Change::Gone { .. } => {
                missing += 1;
                ""
            }
            Change::By { ratio, .. } if ratio > 1.0 + TOLERANCE => {
                risen += 1;
                "  ROSE"
            }
            Change::By { ratio, .. } if ratio < 1.0 - TOLERANCE => "  fell",
            Change::By { .. } => "",
        };
        println!("{change}{remark}");
    }
    if let Some(difference) = now.platform.difference(&then.platform) {
        println!(
            "NOT HELD: the baseline is of another platform ({difference}); the figures above are \
             for information. To hold them here, take a baseline of the former revision with \
             --rebase --baseline FILE, and compare with that."
        );
        return ExitCode::SUCCESS;
    }
    if missing > 0 {
        println!("{missing} scenarios are not in both: rebase, and commit the baseline");
    }
    if risen > 0 {
        println!(
            "{risen} scenarios take over {:.0} % more instructions than their baseline",
            TOLERANCE * 100.0
        );
    }
    if risen + missing > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
