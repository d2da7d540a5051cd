//! A command under way.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};

use super::CAP;

/// A command under way, and every line it wrote. Killed when it is dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    /// Lines that were read and not waited for, in their order. Each begins with its stream, `out: `
    /// or `err: `.
    pub seen: Vec<String>,
}

impl Running {
    /// Starts `command`.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command can be started");
        let (sender, lines) = mpsc::channel();
        read_lines("out", child.stdout.take(), sender.clone());
        read_lines("err", child.stderr.take(), sender);
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// Waits for a line that contains `text`, unless one was seen before and not waited for.
    ///
    /// # Panics
    /// If none comes.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        if let Some(at) = self.seen.iter().position(|line| line.contains(text)) {
            return self.seen.remove(at);
        }
        let begun = Instant::now();
        loop {
            match self.lines.recv_timeout(CAP.saturating_sub(begun.elapsed())) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => self.seen.push(line),
                Err(error) => {
                    let why = match error {
                        RecvTimeoutError::Timeout => "did not come",
                        RecvTimeoutError::Disconnected => "never came",
                    };
                    panic!(
                        "a line with `{text}` {why} among:\n{}",
                        self.seen.join("\n")
                    );
                }
            }
        }
    }

    /// A line that contains `text`, if it has come already.
    pub fn take(&mut self, text: &str) -> Option<String> {
        self.seen.extend(self.lines.try_iter());
        let at = self.seen.iter().position(|line| line.contains(text))?;
        Some(self.seen.remove(at))
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If that is not possible.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a child can be signalled");
    }

    /// Waits until it has ended, and nobody has its output open any more.
    ///
    /// # Panics
    /// If it does not end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            match self.lines.recv_timeout(CAP.saturating_sub(begun.elapsed())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => {
                    return self.child.wait().expect("a child can be waited for");
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not end; it wrote:\n{}", self.seen.join("\n"));
                }
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(
    name: &'static str,
    from: Option<impl Read + Send + 'static>,
    to: mpsc::Sender<String>,
) {
    let Some(from) = from else { return };
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            // Nobody may wait any more.
            let _ = to.send(format!("{name}: {line}"));
        }
    });
}
