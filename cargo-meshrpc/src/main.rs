//! `cargo meshrpc`: a file per verb.
//!
//! Data goes to stdout, talk to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 100 drift.

mod doctor;
mod expose;
mod up;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use anstyle::{AnsiColor, Style};
use clap::{Parser, Subcommand, ValueEnum};

/// Generate handlers and clients from traits, and run a workspace's services.
#[derive(Debug, Parser)]
#[command(name = "cargo-meshrpc", bin_name = "cargo meshrpc", version)]
struct Arguments {
    /// Folder of the project [default: the current one].
    #[arg(short = 'R', long, global = true, value_name = "DIR")]
    project_root: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Expose(expose::Expose),
    #[command(name = expose::FINISH, hide = true)]
    Finish(expose::FinishArgs),
    Up(up::UpArgs),
    Doctor(doctor::DoctorArgs),
    #[command(name = up::SUPERVISE, hide = true)]
    Supervise(up::SuperviseArgs),
}

/// How a verb ended, as an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Outcome {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Drift = 100,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Human,
    /// One object a line.
    Json,
}

/// What was asked for cannot be: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(pub(crate) String);

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        ExitCode::from(outcome as u8)
    }
}

fn main() -> ExitCode {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    // Cargo passes the name of the subcommand on; the alias of a workspace does not.
    if words.get(1).is_some_and(|word| word == "meshrpc") {
        words.remove(1);
    }
    let arguments = Arguments::parse_from(words);
    let root = arguments.project_root.unwrap_or_else(|| PathBuf::from("."));
    let code = match arguments.verb {
        Verb::Expose(expose) => expose.run(&root).map(ExitCode::from),
        Verb::Finish(arguments) => expose::finish(arguments.root()).map(|()| Outcome::Done.into()),
        Verb::Up(arguments) => up::run(arguments, &root),
        Verb::Doctor(arguments) => doctor::run(&arguments).map(ExitCode::from),
        Verb::Supervise(arguments) => up::supervise(arguments),
    };
    code.unwrap_or_else(|error| {
        complain(format!("{error:#}"));
        match error.is::<WrongUsage>() {
            true => Outcome::Usage.into(),
            false => Outcome::Failed.into(),
        }
    })
}

/// Says on stderr what went wrong.
pub(crate) fn complain(message: impl std::fmt::Display) {
    let red = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
    anstream::eprintln!("{red}error{red:#}: {message}");
}
