//! One service's keeper: a small process between `up` and a service, which sees to it that the
//! service's process group is gone when the service has ended or `up` is.
//!
//! Its standard input is one end of a socket pair. From `up` come single bytes, and its end of file
//! when `up` is no more, however that came about; to `up` go lines, written and read by
//! [`Report`].
//!
//! The service is executed by a second stage of this verb, in the process that becomes the service.
//! On Linux that stage asks the kernel to kill the process when its keeper dies, so that nothing
//! runs on when keeper and `up` are killed together. Elsewhere it would.

use std::{
    ffi::OsString,
    fmt,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt, process::ExitStatusExt},
    },
    path::PathBuf,
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
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
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
    low_level::signal_name,
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
    /// Become the program, as the child of this keeper.
    #[arg(long, value_name = "PID")]
    child_of: Option<u32>,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
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
    if let Some(keeper) = arguments.child_of {
        let error = become_service(keeper, arguments.command);
        let _ = up.write_all(error.to_string().as_bytes());
        return Ok(ExitCode::FAILURE);
    }
    // Before the service exists, so that no signal is missed.
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let program = arguments.command.first().cloned().unwrap_or_default();
    let mut child = match start(arguments.command) {
        Ok(child) => child,
        Err(error) => {
            let reason = format!("{}: {error}", program.display());
            report(&mut up, &Report::Failed(reason));
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
    thread::spawn({
        let living = Arc::clone(&living);
        move || {
            for number in signals.forever() {
                let passed_on = if number == SIGINT {
                    Signal::INT
                } else {
                    Signal::TERM
                };
                signal(&living, passed_on);
            }
        }
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

/// Starts the service. To be called on the main thread: what the kernel calls the death of a parent
/// is that of the thread which made the child.
fn start(command: Vec<OsString>) -> io::Result<Child> {
    let (mut failure, stage_end) = UnixStream::pair()?;
    let mut child = Command::new(this_program()?)
        .arg(SUPERVISE)
        .arg(format!("--child-of={}", std::process::id()))
        .arg("--")
        .args(command)
        .stdin(OwnedFd::from(stage_end))
        .process_group(0)
        .spawn()?;
    // The stage's end closes when it becomes the service; before that it says why it cannot.
    let mut reason = String::new();
    failure.read_to_string(&mut reason)?;
    if reason.is_empty() {
        return Ok(child);
    }
    child.wait()?;
    Err(io::Error::other(reason))
}

/// Replaces this process by the service; returns only if that fails.
fn become_service(keeper: u32, command: Vec<OsString>) -> io::Error {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getppid, set_parent_process_death_signal};

        if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
            return error.into();
        }
        if getppid().map(Pid::as_raw_pid) != i32::try_from(keeper).ok() {
            return io::Error::other("its supervisor is gone");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = keeper;

    let mut command = command.into_iter();
    Command::new(command.next().unwrap_or_default())
        .args(command)
        .stdin(Stdio::null())
        .exec()
}

/// The program that runs now, even if a build has replaced its file.
pub(super) fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe()
    }
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
            Ended::Signal(signal) => match signal_name(*signal) {
                Some(name) => f.write_str(name),
                None => write!(f, "signal {signal}"),
            },
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
