//! meshrpc beside other stacks: two processes over loopback, in interleaved rounds.
//!
//! `docs/performance.md` says what is measured and how to run it.

mod allocations;
mod balance;
mod comparison;
mod cores;
mod drive;
mod grow;
mod message;
mod plot;
mod process;
mod results;
mod run;
mod sidecars;
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
    /// Runs on this core alone.
    #[arg(long, hide = true)]
    core: Option<usize>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Measures workloads in interleaved rounds, prints a table and writes a file.
    Run(run::Options),
    /// Measures how cost grows, one curve after the other, and writes a file.
    Grow(grow::Options),
    /// Measures what calls cost through sidecars of Consul, and prints a table.
    Sidecars(sidecars::Options),
    /// Draws the figures of a file.
    Plot {
        /// What `run` and `grow` wrote.
        results: PathBuf,
        /// Where the pictures go.
        #[arg(long, default_value = ".")]
        directory: PathBuf,
    },
    /// Prints the table of a file.
    Show {
        /// What `run` wrote.
        results: PathBuf,
    },
    /// Takes one sample and prints it: starts the server, and is its client.
    Drive(Drive),
    /// Chooses instances, as a client in the same process.
    #[command(hide = true)]
    Balance {
        /// Of how many.
        instances: usize,
        /// For so many seconds.
        #[arg(long, default_value_t = 1.0)]
        seconds: f64,
    },
    /// Keeps a core awake while nothing else wants it.
    #[command(hide = true)]
    Idle,
    /// Serves what `sidecars` calls in a mesh until its input ends.
    #[command(hide = true)]
    Behind {
        /// The mesh.
        url: String,
        /// What the names of its services end with.
        place: String,
    },
    /// Makes the calls of `sidecars` in a mesh until its input ends.
    #[command(hide = true)]
    Before {
        /// The mesh.
        url: String,
    },
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
    /// Client and server are where the system puts them, also where one waits for the other all the
    /// time.
    #[arg(long)]
    unpinned: bool,
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
    match act(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("meshbench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(arguments: Arguments) -> Result<()> {
    if let Some(core) = arguments.core {
        cores::stay_on(core)?;
    }
    match arguments.verb {
        Verb::Run(options) => run::run(&options),
        Verb::Grow(options) => grow::grow(&options),
        Verb::Plot { results, directory } => {
            plot::plot(&results::Results::read(&results)?, &directory)
        }
        Verb::Balance { instances, seconds } => {
            let time = Duration::from_secs_f64(seconds);
            let sample = on_a_worker(balance::balance(instances, time))?;
            println!("{}", serde_json::to_string(&sample)?);
            Ok(())
        }
        Verb::Show { results } => {
            print!("{}", table::table(&results::Results::read(&results)?));
            Ok(())
        }
        Verb::Drive(options) => {
            let alone = options.workload.is_one_at_a_time() && !options.unpinned && cores::two();
            if alone {
                cores::stay_on(0)?;
            }
            let _awake = alone.then(cores::Awake::keep).transpose()?;
            let settings = drive::Settings {
                time: Duration::from_secs_f64(options.seconds),
                counted: options.counted,
                connections: options.connections,
                in_flight: options.in_flight,
                size: options.size,
                server_core: alone.then_some(1),
            };
            let sample = on_a_worker(drive::drive(options.stack, options.workload, settings))?;
            println!("{}", serde_json::to_string(&sample)?);
            Ok(())
        }
        Verb::Sidecars(options) => sidecars::run(&options),
        Verb::Behind { url, place } => on_a_worker(sidecars::behind(url, place)),
        Verb::Before { url } => on_a_worker(sidecars::before(url)),
        Verb::Idle => {
            cores::idle();
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
