//! Counts the system calls of processes, with `perf`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

const EVENT: &str = "raw_syscalls:sys_enter";

/// A count that goes on.
pub struct Syscalls {
    perf: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Syscalls {
    /// Begins to count those of `processes`.
    ///
    /// # Errors
    /// If `perf` is not there, or may not count.
    pub fn start(processes: [u32; 2]) -> Result<Self> {
        let processes = processes.map(|id| id.to_string()).join(",");
        let mut perf = Command::new("perf")
            .args(["stat", "-x,", "-e", EVENT])
            .args(["--delay=-1", "--control=fd:0,1", "-p", &processes])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("`perf` counts system calls, and cannot be started")?;
        let input = perf.stdin.take().context("no input")?;
        let output = BufReader::new(perf.stdout.take().context("no output")?);
        let mut syscalls = Self {
            perf,
            input,
            output,
        };
        syscalls.tell("enable")?;
        Ok(syscalls)
    }

    /// Ends, and gives the number.
    pub fn stop(mut self) -> Result<u64> {
        self.tell("disable")?;
        let id = Pid::from_child(&self.perf);
        kill_process(id, Signal::INT)?;
        let mut said = String::new();
        let errors = self.perf.stderr.as_mut();
        errors.context("no output")?.read_to_string(&mut said)?;
        let count = said.lines().find_map(|line| {
            let (count, rest) = line.split_once(',')?;
            rest.contains(EVENT).then(|| count.parse().ok())?
        });
        count.with_context(|| format!("`perf` says `{said}`"))
    }

    fn tell(&mut self, what: &str) -> Result<()> {
        writeln!(self.input, "{what}")?;
        let mut answer = Vec::new();
        self.output.read_until(b'\n', &mut answer)?;
        ensure!(!answer.is_empty(), "`perf` ended, as if it may not count");
        Ok(())
    }
}

impl Drop for Syscalls {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.perf.kill();
        let _ = self.perf.wait();
    }
}
