//! What a process uses, and the server's process as its client sees it.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::{allocations, stacks::Stack};

/// What a process has used since it began.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time of all threads, in microseconds.
    pub cpu: f64,
    /// Resident memory now, in KiB.
    pub resident: f64,
    /// The most resident memory there was, in KiB.
    pub peak: f64,
    /// Allocations since they are counted.
    pub allocations: u64,
}

impl Usage {
    /// Of this process.
    pub fn read() -> Result<Self> {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let status = fs::read_to_string("/proc/self/status")?;
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
            number.with_context(|| format!("/proc/self/status has no {name}"))
        };
        Ok(Self {
            cpu: time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3,
            resident: kib("VmRSS")?,
            peak: kib("VmHWM")?,
            allocations: allocations::counted(),
        })
    }
}

/// Where the servers of one sample announce themselves, if their stack does that.
pub struct Registry(TempDir);

impl Registry {
    /// An empty one.
    pub fn new() -> Result<Self> {
        // Nobody else may enter a registry.
        let owner = fs::Permissions::from_mode(0o700);
        Ok(Self(tempfile::Builder::new().permissions(owner).tempdir()?))
    }
}

/// A process of this program that answers in lines. It ends with this value.
pub struct Companion {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Companion {
    /// Starts one, on one core if it is said which, with these arguments. What announces itself
    /// does so in `registry`.
    pub fn start(arguments: &[&str], registry: &Registry, core: Option<usize>) -> Result<Self> {
        let mut program = Command::new(std::env::current_exe()?);
        if let Some(core) = core {
            program.args(["--core", &core.to_string()]);
        }
        let mut child = program
            .args(arguments)
            .env("MESHRPC_RUNTIME_DIR", registry.0.path())
            .env("MESHRPC_NAMESPACE", "meshbench")
            .env("MESHRPC_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Self {
            child,
            input,
            output,
        })
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, what: &str) -> Result<String> {
        writeln!(self.input, "{what}")?;
        self.line()
    }

    /// Waits for its next line.
    pub fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the process beside this one ended");
        }
        Ok(line)
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        // It may have ended by itself, which whoever asked it last was told.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server in a process of its own. It ends with this value.
pub struct Server {
    process: Companion,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts one, on one core if it is said which, and waits until it listens. Servers of one
    /// `registry` find each other there.
    pub fn start(
        stack: Stack,
        registry: &Registry,
        service: &str,
        core: Option<usize>,
    ) -> Result<Self> {
        let mut process = Companion::start(&["serve", stack.name(), service], registry, core)?;
        let line = process.line()?;
        let address = line.trim().parse().with_context(|| {
            let stack = stack.name();
            format!("the server of {stack} says `{line}` in place of its address")
        })?;
        Ok(Self { process, address })
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.child.id()
    }

    /// What it has used.
    pub fn usage(&mut self) -> Result<Usage> {
        serde_json::from_str(&self.process.ask("usage")?).context("not a usage")
    }

    /// From now on it counts its allocations.
    pub fn count(&mut self) -> Result<()> {
        self.process.ask("count").map(drop)
    }
}

/// The server's side of [`Server`]: says where it listens, then answers until nobody asks any more,
/// which ends the process.
pub fn answer(address: SocketAddr) {
    println!("{address}");
    thread::spawn(|| {
        for line in std::io::stdin().lines() {
            let answered = line.map_err(Into::into).and_then(|line| answer_one(&line));
            if let Err(error) = answered {
                eprintln!("{error:#}");
                break;
            }
        }
        std::process::exit(0);
    });
}

fn answer_one(line: &str) -> Result<()> {
    match line {
        "usage" => println!("{}", serde_json::to_string(&Usage::read()?)?),
        "count" => {
            allocations::count();
            println!();
        }
        _ => bail!("`{line}` is not understood"),
    }
    Ok(())
}
