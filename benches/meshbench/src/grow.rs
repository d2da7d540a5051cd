//! How cost grows with the number of connections, calls, bytes and instances.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::{
    drive::Sample,
    results::{Grown, Results},
    stacks::Stack,
    workload::Workload,
};

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Growth {
    /// Connections that do nothing.
    Connections,
    /// Small calls in flight on one connection.
    InFlight,
    /// Bytes to the server in one call.
    Put,
    /// Bytes from the server in one call.
    Get,
    /// Instances that calls are balanced over, in one process.
    Instances,
}

/// What to measure.
#[derive(Args)]
pub struct Options {
    /// Which curves.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "connections,in-flight,put,get,instances"
    )]
    curves: Vec<Growth>,
    /// Which stacks.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "meshrpc,tonic,tarpc,raw,floor"
    )]
    stacks: Vec<Stack>,
    /// How long each point takes.
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// Where the figures go. What the file has of other curves stays.
    #[arg(long, default_value = "results.json")]
    output: PathBuf,
}

/// Measures and writes.
pub fn grow(options: &Options) -> Result<()> {
    let mut results = Results::resume(&options.output)?;
    let other = |grown: &Grown| !options.curves.contains(&grown.growth);
    results.growth.retain(other);
    for &growth in &options.curves {
        for &at in growth.points() {
            for stack in growth.stacks(&options.stacks) {
                match growth.measure(stack, at, options.seconds)? {
                    Some(figures) => results.growth.push(Grown {
                        growth,
                        stack,
                        at,
                        figures,
                    }),
                    None => eprintln!("{} cannot do {at} of {growth:?}", stack.name()),
                }
            }
        }
    }
    results.write(&options.output)
}

impl Growth {
    fn points(self) -> &'static [u64] {
        match self {
            Self::Connections => &[1, 10, 100, 1000, 10_000],
            Self::InFlight => &[1, 4, 16, 64, 256, 1024, 4096, 10_000],
            Self::Put | Self::Get => &[
                64,
                1 << 10,
                16 << 10,
                256 << 10,
                1 << 20,
                16 << 20,
                64 << 20,
                256 << 20,
                1 << 30,
            ],
            Self::Instances => &[1, 2, 5, 10, 20, 50, 100, 200, 500],
        }
    }

    fn stacks(self, asked: &[Stack]) -> Vec<Stack> {
        match self {
            // Only one of them has a balancer.
            Self::Instances => vec![Stack::Meshrpc],
            _ => asked.to_vec(),
        }
    }

    /// A point in a process of its own; `None` if the stack refuses.
    fn measure(self, stack: Stack, at: u64, seconds: f64) -> Result<Option<Sample>> {
        let (workload, option) = match self {
            Self::Connections => (Workload::W7, "--connections"),
            Self::InFlight => (Workload::W2, "--in-flight"),
            Self::Put => (Workload::W4, "--size"),
            Self::Get => (Workload::W5, "--size"),
            Self::Instances => (Workload::W1, ""),
        };
        let at = at.to_string();
        let seconds = seconds.to_string();
        let mut program = Command::new(std::env::current_exe()?);
        match self {
            Self::Instances => program.args(["balance", &at]),
            _ => program.args(["drive", stack.name(), workload.name(), option, &at]),
        };
        let output = program
            .args(["--seconds", &seconds])
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Ok(None);
        }
        let sample = serde_json::from_slice(&output.stdout);
        sample.map(Some).context("not a sample")
    }
}
