//! Rounds: in each, every stack has its turn with every workload.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{
    drive::Sample,
    results::{Results, Taken},
    stacks::Stack,
    table,
    workload::Workload,
};

/// What to measure.
#[derive(Args)]
pub struct Options {
    /// Which workloads.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "w1,w2,w3,w4,w5,w6,w7,w8,ring"
    )]
    workloads: Vec<Workload>,
    /// Which stacks.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "meshrpc,tonic,tarpc,raw,floor"
    )]
    stacks: Vec<Stack>,
    /// How often.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// How long each sample takes, besides a warm-up.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Counts no system calls and allocations, which otherwise is one round more of the small
    /// calls, and needs `perf`.
    #[arg(long)]
    no_counts: bool,
    /// Where the figures go. What the file has of other workloads stays.
    #[arg(long, default_value = "results.json")]
    output: PathBuf,
}

/// Measures, prints and writes.
pub fn run(options: &Options) -> Result<()> {
    let mut results = Results::resume(&options.output)?;
    let other = |taken: &Taken| !options.workloads.contains(&taken.workload);
    results.samples.retain(other);
    for round in 0..options.rounds {
        for turn in options.turns(round) {
            results.samples.push(turn.take()?);
        }
    }
    if !options.no_counts {
        for turn in options.turns(0).filter(|turn| turn.workload.is_small()) {
            let turn = Turn {
                counted: true,
                ..turn
            };
            results.samples.push(turn.take()?);
        }
    }
    results.write(&options.output)?;
    print!("{}", table::table(&results));
    Ok(())
}

impl Options {
    fn turns(&self, round: u32) -> impl Iterator<Item = Turn> {
        self.workloads.iter().flat_map(move |&workload| {
            let stacks = self.stacks.iter().copied();
            let stacks = stacks.chain((workload == Workload::Ring).then_some(Stack::Ring));
            let suited = stacks.filter(move |stack| workload.suits(*stack));
            suited.map(move |stack| Turn {
                round,
                workload,
                stack,
                counted: false,
                seconds: self.seconds,
            })
        })
    }
}

/// One stack's turn.
struct Turn {
    round: u32,
    workload: Workload,
    stack: Stack,
    counted: bool,
    seconds: f64,
}

impl Turn {
    fn take(self) -> Result<Taken> {
        let (stack, workload) = (self.stack.name(), self.workload.name());
        let mut program = Command::new(std::env::current_exe()?);
        program.args([
            "drive",
            stack,
            workload,
            "--seconds",
            &self.seconds.to_string(),
        ]);
        if self.counted {
            program.arg("--counted");
        }
        let output = program.stderr(std::process::Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{stack} failed in {workload}");
        let figures: Sample = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{stack} gave no figures in {workload}"))?;
        Ok(Taken {
            round: self.round,
            workload: self.workload,
            stack: self.stack,
            counted: self.counted,
            seconds: self.seconds,
            figures,
        })
    }
}
