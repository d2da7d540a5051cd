//! One service's keeper: a small process between `up` and a service, which sees to it that the
//! service's process group is gone when the service has ended or `up` is.
//!
//! Its standard input is one end of a socket pair. From `up` come single bytes, and its end of file
//! when `up` is no more, however that came about; to `up` go lines, written and read by
//! [`Report`].

use std::{
    ffi::OsString,
    fmt,
    io::{self, Read, Write},
    os::{
        fd::AsFd,
        unix::{net::UnixStream, process::CommandExt, process::ExitStatusExt},
    },
    process::{Command, ExitCode, ExitStatus, Stdio},
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use clap::Args;
use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid},
};

/// The hidden verb.
pub(crate) const SUPERVISE: &str = "__supervise";

/// Ask the service to end.
pub(super) const TERMINATE: u8 = b't';
/// End it.
pub(super) const KILL: u8 = b'k';

/// Time for a service to end by itself when `up` is gone.
const GRACE: Duration = Duration::from_secs(2);

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct SuperviseArgs {
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// What the keeper tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// The service runs, as this process and the leader of a group of this number.
    Started(i32),
    /// It could not be started.
    Failed(String),
    /// It ended, and so did its group.
    Ended(Ended),
}

/// How a service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Code(i32),
    Signal(i32),
}

/// Runs the hidden verb.
///
/// # Errors
/// If its standard input is not a socket, which only `up` provides.
pub(crate) fn supervise(arguments: SuperviseArgs) -> anyhow::Result<ExitCode> {
    let mut up = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut command = arguments.command.into_iter();
    let program = command.next().unwrap_or_default();
    let started = Command::new(&program)
        .args(command)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            report(
                &mut up,
                &Report::Failed(format!("{}: {error}", program.display())),
            );
            return Ok(ExitCode::FAILURE);
        }
    };
    let group = Pid::from_child(&child);
    report(&mut up, &Report::Started(group.as_raw_pid()));

    // Signals go only to a group whose leader is not yet reaped: its number is nobody else's.
    let living = Arc::new(Mutex::new(Some(group)));
    let orders = up.try_clone()?;
    thread::spawn({
        let living = Arc::clone(&living);
        move || obey(orders, &living)
    });
    let end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(Errno::INTR) = waitid(WaitId::Pid(group), end) {}
    // What the service started and left behind ends with it.
    signal(&living, Signal::KILL);
    living.lock().unwrap_or_else(PoisonError::into_inner).take();
    let ended = Ended::from(child.wait()?);
    report(&mut up, &Report::Ended(ended));
    Ok(ExitCode::SUCCESS)
}

fn obey(mut orders: UnixStream, living: &Mutex<Option<Pid>>) {
    let mut order = [0];
    loop {
        match orders.read(&mut order) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(1) => match order[0] {
                TERMINATE => signal(living, Signal::TERM),
                KILL => signal(living, Signal::KILL),
                _ => {}
            },
            _ => break,
        }
    }
    // `up` is gone. This process ends as soon as the service has.
    signal(living, Signal::TERM);
    thread::sleep(GRACE);
    signal(living, Signal::KILL);
}

fn signal(living: &Mutex<Option<Pid>>, signal: Signal) {
    if let Some(group) = *living.lock().unwrap_or_else(PoisonError::into_inner) {
        // It fails if all of the group have ended.
        let _ = kill_process_group(group, signal);
    }
}

fn report(up: &mut UnixStream, report: &Report) {
    // If `up` is gone, nobody needs it.
    let _ = up.write_all(format!("{report}\n").as_bytes());
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Started(pid) => write!(f, "started {pid}"),
            Report::Failed(reason) => write!(f, "failed {}", reason.replace('\n', " ")),
            Report::Ended(Ended::Code(code)) => write!(f, "code {code}"),
            Report::Ended(Ended::Signal(signal)) => write!(f, "signal {signal}"),
        }
    }
}

impl FromStr for Report {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let (what, value) = line.split_once(' ').ok_or(())?;
        let number = || value.parse().map_err(drop);
        match what {
            "started" => number().map(Report::Started),
            "failed" => Ok(Report::Failed(value.to_owned())),
            "code" => number().map(|code| Report::Ended(Ended::Code(code))),
            "signal" => number().map(|signal| Report::Ended(Ended::Signal(signal))),
            _ => Err(()),
        }
    }
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Ended::Code(code),
            (None, signal) => Ended::Signal(signal.unwrap_or_default()),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Code(code) => write!(f, "exit code {code}"),
            Ended::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_arrive_as_they_were_sent() {
        for report in [
            Report::Started(4711),
            Report::Failed("no such file".to_owned()),
            Report::Ended(Ended::Code(101)),
            Report::Ended(Ended::Signal(9)),
        ] {
            assert_eq!(report.to_string().parse(), Ok(report));
        }
    }
}
