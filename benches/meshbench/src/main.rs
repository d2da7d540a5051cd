//! meshrpc beside other stacks: two processes over loopback, in interleaved rounds.
//!
//! `docs/performance.md` says what is measured and how to run it.

mod allocations;
mod drive;
mod message;
mod process;
mod results;
mod run;
mod stacks;
mod syscalls;
mod table;
mod tally;
mod workload;

use std::{future::Future, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Result;
use clap::{Parser, Subcommand};
use stacks::Stack;
use workload::Workload;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// meshrpc beside other stacks.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Measures workloads in interleaved rounds, prints a table and writes a file.
    Run(run::Options),
    /// Prints the table of a file.
    Show {
        /// What `run` wrote.
        results: PathBuf,
    },
    /// Takes one sample and prints it: starts the server, and is its client.
    Drive(Drive),
    /// Serves one stack until its input ends.
    #[command(hide = true)]
    Serve {
        /// Which.
        stack: Stack,
        /// What its service is called.
        name: String,
    },
}

#[derive(clap::Args)]
struct Drive {
    /// Which stack.
    stack: Stack,
    /// Which workload.
    workload: Workload,
    /// For so many seconds.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Counts system calls and allocations, which slows things down.
    #[arg(long)]
    counted: bool,
    /// Connections, in place of the workload's own.
    #[arg(long)]
    connections: Option<usize>,
    /// Calls in flight on all connections, in place of the workload's own.
    #[arg(long)]
    in_flight: Option<usize>,
    /// Bytes of a body, in place of the workload's own.
    #[arg(long)]
    size: Option<u64>,
}

fn main() -> ExitCode {
    match act(Arguments::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("meshbench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(verb: Verb) -> Result<()> {
    match verb {
        Verb::Run(options) => run::run(&options),
        Verb::Show { results } => {
            print!("{}", table::table(&results::Results::read(&results)?));
            Ok(())
        }
        Verb::Drive(options) => {
            let settings = drive::Settings {
                time: Duration::from_secs_f64(options.seconds),
                counted: options.counted,
                connections: options.connections,
                in_flight: options.in_flight,
                size: options.size,
            };
            let sample = on_a_worker(drive::drive(options.stack, options.workload, settings))?;
            println!("{}", serde_json::to_string(&sample)?);
            Ok(())
        }
        Verb::Serve { stack, name } => on_a_worker(stack.serve(name)),
    }
}

/// Runs a future as every stack's tasks run: on a runtime of two workers.
fn on_a_worker<T, F>(future: F) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(runtime.spawn(future))?
}
