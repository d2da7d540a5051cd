//! A process that is not left behind.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{LazyLock, mpsc},
    thread,
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// How much of a log is shown of a test that failed.
const SHOWN: usize = 60;

/// A process with its log. It is killed when it is dropped, and by the system when the test's
/// process is gone.
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `command`; what it writes goes to a file in `folder`, after what is there of an
    /// earlier start.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(name: &str, command: &Command, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let errors = file.try_clone().expect("a file can be shared");
        let mut bound = bound(command);
        bound.stdin(Stdio::null()).stdout(file).stderr(errors);
        let child = spawn(bound).unwrap_or_else(|error| panic!("`{name}`: {error}"));
        Self {
            name: name.to_owned(),
            child,
            log,
        }
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Ends it as `kill -9` does; it is gone when this returns.
    pub fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        self.child.wait().expect("a child can be waited for");
    }

    /// Asks it to stop, and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.child.wait().expect("a child can be waited for")
    }

    /// Keeps it from running; none of its threads does when this returns.
    ///
    /// # Panics
    /// If it ends instead.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        let (_, status) = waitpid(Some(Pid::from_child(&self.child)), WaitOptions::UNTRACED)
            .expect("a child can be waited for")
            .expect("this waits");
        assert!(status.stopped(), "`{}`: {status:?}", self.name);
    }

    /// Lets it run again.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a child can be signalled");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let status = self.child.wait();
        if thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(SHOWN)..];
            let killed = |status: &ExitStatus| status.signal() == Some(Signal::KILL.as_raw());
            let end = status
                .ok()
                .filter(|status| !killed(status))
                .map(|status| format!(" ({status})"));
            eprintln!(
                "--- {}{}\n{}",
                self.name,
                end.unwrap_or_default(),
                last.join("\n")
            );
        }
    }
}

/// `command`, ended by the system together with whoever starts it, where there is a command for
/// that.
fn bound(command: &Command) -> Command {
    static BINDER: LazyLock<bool> = LazyLock::new(|| {
        let asked = Command::new("setpriv").arg("--version").output();
        asked.is_ok_and(|output| output.status.success())
    });
    match *BINDER {
        true => wrapped(&["setpriv", "--pdeathsig", "KILL", "--"], command),
        false => wrapped::<&str>(&[], command),
    }
}

/// `command` as an argument of another.
pub(super) fn wrapped<S: AsRef<OsStr>>(wrapper: &[S], command: &Command) -> Command {
    let words = wrapper.iter().map(AsRef::as_ref);
    let words = words.chain([command.get_program()]);
    let mut words = words.chain(command.get_args());
    let mut wrapped = Command::new(words.next().expect("a command has a program"));
    wrapped.args(words);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    wrapped
}

/// Starts `command` from a thread that lasts as long as the process: the system takes the end of
/// the thread that started a process for the end of its parent.
fn spawn(command: Command) -> io::Result<Child> {
    type Request = (Command, mpsc::Sender<io::Result<Child>>);
    static STARTER: LazyLock<mpsc::Sender<Request>> = LazyLock::new(|| {
        let (sender, requests) = mpsc::channel::<Request>();
        thread::spawn(move || {
            for (mut command, answer) in requests {
                // Nobody waits for it if the test is over.
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (answer, answered) = mpsc::channel();
    let gone = |_| io::Error::other("the thread that starts processes is gone");
    STARTER
        .send((command, answer))
        .map_err(|_| io::Error::other("the thread that starts processes is gone"))?;
    answered.recv().map_err(gone)?
}
