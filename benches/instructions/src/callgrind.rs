//! Counting, by valgrind's callgrind.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};

use crate::scenario::{REPETITIONS, Scenario};

/// The instructions that one repetition of a scenario takes.
pub fn count(scenario: &Scenario) -> Result<u64> {
    let directory = tempfile::tempdir()?;
    let counts = directory.path().join("callgrind.out");
    let output = Command::new("valgrind")
        // Where the stack begins depends on the environment's length.
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .args(["--tool=callgrind", "--toggle-collect=*scenario*measured*"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(std::env::current_exe()?)
        .args(["--run", scenario.name])
        .output()
        .context("`valgrind` counts the instructions, and cannot be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "it failed under valgrind:\n{said}");
    let text = fs::read_to_string(&counts).context("valgrind left no counts")?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let total: u64 = total.context("valgrind gave no total")?.trim().parse()?;
    ensure!(total > 0, "nothing was measured: is the program stripped?");
    Ok(total / REPETITIONS)
}
