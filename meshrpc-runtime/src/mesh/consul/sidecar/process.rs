//! One run of a proxy.
//!
//! A proxy must not outlive the process it works for: a server that was killed would stay reachable
//! through it, and its port taken. Neither a pipe nor a signal tells a proxy of that, and what the
//! kernel offers for it (`PR_SET_PDEATHSIG`) would have to be set between fork and exec, which safe
//! Rust cannot. So the program is executed by a shell that leaves one process behind, in the same
//! process group: it waits for the end of a pipe that only this process can write to, and then ends
//! the group. The kernel closes the pipe however this process ends.
//!
//! The shell becomes the program, so that its process id is the one that is waited for. The process
//! that waits stays in the group until the end, which keeps the group's number from being given to
//! others: signals to the group cannot hit a stranger.

use std::{
    collections::VecDeque,
    io,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, ChildStdin, Command},
    task::JoinHandle,
};

use super::{Launch, event::OutputStream};

/// `"$@"` is the program and its arguments. Both signals that a terminal or a service manager sends
/// to a group are for the program alone.
const LEASH: &str = r#"
exec 3<&0 </dev/null
( trap '' HUP INT TERM
  read -r _ <&3
  kill -s TERM -- "-$$"
  sleep 2
  kill -s KILL -- "-$$" ) >/dev/null 2>&1 &
exec "$@" 3<&-
"#;

/// Bytes of the longest line that is passed on.
const LINE: usize = 8 << 10;
/// Lines that are kept for the message should it end.
const KEPT: usize = 5;

/// A running proxy. Dropping it kills it and whatever it has started.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Option<Pid>,
    /// Its end is the end of the group.
    _leash: Option<ChildStdin>,
    readers: [Option<JoinHandle<()>>; 2],
    last_lines: Arc<Mutex<VecDeque<String>>>,
}

impl Process {
    /// Starts `launch` in a process group of its own. `output` is called with every line.
    pub(super) fn spawn(
        launch: &Launch,
        output: impl Fn(OutputStream, String) + Clone + Send + 'static,
    ) -> io::Result<Process> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", LEASH, "sidecar"])
            .args(&launch.command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        for (variable, value) in &launch.environment {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        let mut child = command.spawn()?;
        let group = child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        let last_lines = Arc::default();
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        let readers = [
            stdout.map(|io| read(io, OutputStream::Stdout, &last_lines, output.clone())),
            stderr.map(|io| read(io, OutputStream::Stderr, &last_lines, output)),
        ];
        Ok(Process {
            _leash: child.stdin.take(),
            child,
            group,
            readers,
            last_lines,
        })
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.group
            .and_then(|group| group.as_raw_pid().try_into().ok())
    }

    /// Waits for its end. Cancel safe.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to end, waits for `grace`, then kills it.
    pub(super) async fn terminate(&mut self, grace: Duration) {
        self.signal(Signal::TERM);
        if tokio::time::timeout(grace, self.ended()).await.is_err() {
            self.kill().await;
        }
    }

    /// Kills it and waits until it is gone.
    pub(super) async fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.ended().await;
    }

    /// What it wrote last, once it has ended.
    pub(super) async fn last_words(&mut self) -> String {
        // Whatever it has started and left behind holds the pipes open.
        self.signal(Signal::KILL);
        for reader in self.readers.iter_mut().filter_map(Option::take) {
            let _ = reader.await;
        }
        let lines = self
            .last_lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Vec::from(lines.clone()).join("\n")
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It fails if all of the group have ended.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

fn read(
    io: impl AsyncRead + Send + Unpin + 'static,
    stream: OutputStream,
    last_lines: &Arc<Mutex<VecDeque<String>>>,
    output: impl Fn(OutputStream, String) + Send + 'static,
) -> JoinHandle<()> {
    let last_lines = Arc::clone(last_lines);
    tokio::spawn(async move {
        let mut io = BufReader::new(io);
        let mut bytes = Vec::new();
        while let Ok(true) = line(&mut io, &mut bytes).await {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            {
                let mut kept = last_lines.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() >= KEPT {
                    kept.pop_front();
                }
                kept.push_back(text.clone());
            }
            output(stream, text);
        }
    })
}

/// Reads one line and keeps the first [`LINE`] bytes of it; false at the end.
async fn line(io: &mut (impl AsyncBufReadExt + Unpin), line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let bytes = io.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let text = &bytes[..end.unwrap_or(bytes.len())];
        line.extend_from_slice(&text[..text.len().min(LINE - line.len())]);
        let used = text.len() + usize::from(end.is_some());
        io.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}
