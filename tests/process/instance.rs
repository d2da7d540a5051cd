//! A process that serves.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use meshrpc::discovery::Address;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::eventually;

/// A running instance; killed when it is dropped.
pub struct Instance {
    name: String,
    address: Address,
    child: Child,
    /// Its end ends the process, so that none outlives a test that is killed.
    _stdin: Option<ChildStdin>,
    stdout: Lines,
    stderr: Lines,
}

/// What a process has printed.
pub(super) type Lines = Arc<Mutex<Vec<String>>>;

impl Instance {
    /// Starts `command`, and waits until it says where it serves.
    ///
    /// # Panics
    /// If it does not.
    pub async fn start(name: &str, mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("an instance can be started");
        let (stdin, stdout) = (child.stdin.take(), collect(child.stdout.take()));
        let stderr = collect(child.stderr.take());
        let address = || {
            let lines = stdout.lock().unwrap_or_else(PoisonError::into_inner);
            let serving = lines.iter().find_map(|line| line.strip_prefix("serving "));
            serving.map(str::to_owned)
        };
        let mut ended = None;
        eventually(&format!("`{name}` serves"), async || {
            ended = child.try_wait().expect("a child can be waited for");
            ended.is_some() || address().is_some()
        })
        .await;
        let address = address().unwrap_or_else(|| {
            let log = stderr.lock().unwrap_or_else(PoisonError::into_inner);
            panic!("`{name}` ended: {ended:?}\n{}", log.join("\n"))
        });
        Self {
            name: name.to_owned(),
            address: address.parse().expect("it prints an address"),
            child,
            _stdin: stdin,
            stdout,
            stderr,
        }
    }

    /// Stable name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lines it has logged that contain `text`.
    pub fn logged(&self, text: &str) -> Vec<String> {
        let lines = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let found = lines.iter().filter(|line| line.contains(text));
        found.cloned().collect()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("a child can be waited for");
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Keeps it from running; none of its threads does when this returns.
    ///
    /// # Panics
    /// If it ends instead.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        let pid = Pid::from_child(&self.child);
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED)
            .expect("a child can be waited for")
            .expect("this waits");
        assert!(status.stopped(), "`{}`: {status:?}", self.name);
    }

    /// Lets it run again.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// If it does not, or cut calls.
    pub async fn ended(mut self) -> ExitStatus {
        let mut status = None;
        let what = format!("`{}` ends", self.name);
        eventually(&what, async || {
            status = self.child.try_wait().expect("a child can be waited for");
            status.is_some()
        })
        .await;
        let stdout = Arc::clone(&self.stdout);
        let cut = || {
            let lines = stdout.lock().unwrap_or_else(PoisonError::into_inner);
            lines.iter().find(|line| line.starts_with("cut ")).cloned()
        };
        eventually("it says how many calls it cut", async || cut().is_some()).await;
        assert_eq!(cut().as_deref(), Some("cut 0"), "calls were cut");
        status.expect("it has one")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a child can be signalled");
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("--- {}\n{}", self.name, log.join("\n"));
        }
    }
}

/// Reads lines until the process ends.
pub(super) fn collect(stream: Option<impl Read + Send + 'static>) -> Lines {
    let lines = Lines::default();
    if let Some(stream) = stream {
        let lines = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                lines
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
    }
    lines
}
