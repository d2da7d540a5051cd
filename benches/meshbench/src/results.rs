//! What was measured, as a file.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{drive::Sample, grow::Growth, stacks::Stack, workload::Workload};

/// Samples, and where they were taken.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// The machine and the compiler.
    pub machine: BTreeMap<String, String>,
    /// In the order in which they were taken.
    pub samples: Vec<Taken>,
    /// How cost grows.
    #[serde(default)]
    pub growth: Vec<Grown>,
}

/// One point of a curve.
#[derive(Debug, Serialize, Deserialize)]
pub struct Grown {
    /// What grows.
    pub growth: Growth,
    /// Whose cost.
    pub stack: Stack,
    /// How much there is of it.
    pub at: u64,
    /// The figures.
    pub figures: Sample,
}

/// One sample.
#[derive(Debug, Serialize, Deserialize)]
pub struct Taken {
    /// The round, in which each stack had its turn.
    pub round: u32,
    /// What was done.
    pub workload: Workload,
    /// By which stack.
    pub stack: Stack,
    /// Whether system calls and allocations were counted: times are of no use then.
    pub counted: bool,
    /// How long, in seconds.
    pub seconds: f64,
    /// The figures.
    pub figures: Sample,
}

/// The middle of some figures, and their range.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Results {
    /// None yet, of this machine.
    pub fn new() -> Self {
        let machine = [
            ("cores", cores()),
            ("processor", processor()),
            ("kernel", said("uname", &["-sr"])),
            ("compiler", said("rustc", &["--version"])),
            ("revision", said("git", &["rev-parse", "--short", "HEAD"])),
        ];
        let machine = machine
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect();
        Self {
            machine,
            ..Self::default()
        }
    }

    /// From a file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} has no results", path.display()))
    }

    /// From a file, as a start for more of this machine, or none.
    pub fn resume(path: &Path) -> Result<Self> {
        let mut results = Self::new();
        if path.exists() {
            let before = Self::read(path)?;
            results.samples = before.samples;
            results.growth = before.growth;
        }
        Ok(results)
    }

    /// To a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }

    /// The stacks that took part in a workload.
    pub fn stacks(&self, workload: Workload) -> Vec<Stack> {
        let takes_part = |stack: &Stack| {
            let mut samples = self.samples.iter();
            samples.any(|taken| taken.workload == workload && taken.stack == *stack)
        };
        Stack::ALL.into_iter().filter(takes_part).collect()
    }

    /// A figure of a stack in a workload, by round. Counts are of the samples that counted, and
    /// everything else of those that did not.
    pub fn figure(&self, workload: Workload, stack: Stack, name: &str) -> BTreeMap<u32, f64> {
        let counted = name == "syscalls" || name.ends_with("_allocations");
        let of = |taken: &&Taken| {
            taken.workload == workload && taken.stack == stack && taken.counted == counted
        };
        let samples = self.samples.iter().filter(of);
        samples
            .filter_map(|taken| Some((taken.round, *taken.figures.get(name)?)))
            .collect()
    }
}

impl Spread {
    /// Of figures, if there are any.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let (min, max) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median = match figures.len() % 2 {
            0 => f64::midpoint(figures[middle - 1], figures[middle]),
            _ => figures[middle],
        };
        Some(Self { median, min, max })
    }
}

fn cores() -> Option<String> {
    Some(std::thread::available_parallelism().ok()?.to_string())
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    Some(said.trim().to_owned())
}
