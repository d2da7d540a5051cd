//! `cargo meshrpc`.

mod up;

use std::process::ExitCode;

use clap::Parser;

/// Runs and generates what belongs to meshrpc.
#[derive(Debug, Parser)]
#[command(name = "cargo meshrpc", bin_name = "cargo meshrpc", version)]
enum Verb {
    Up(up::UpArgs),
    #[command(name = up::SUPERVISE, hide = true)]
    Supervise(up::SuperviseArgs),
}

fn main() -> ExitCode {
    // Cargo passes the subcommand's name on; the alias in a workspace does not.
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if arguments
        .get(1)
        .is_some_and(|argument| argument == "meshrpc")
    {
        arguments.remove(1);
    }
    let result = match Verb::parse_from(arguments) {
        Verb::Up(arguments) => up::run(arguments),
        Verb::Supervise(arguments) => up::supervise(arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
