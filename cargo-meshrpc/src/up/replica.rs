//! One run of one replica: its keeper, and the threads that listen to both.

use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, Read, Write},
    net::Shutdown,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{
    screen::{Screen, Stream},
    supervise::{self, Ended, Report, SUPERVISE},
};

/// What happens, told to the one thread that decides.
#[derive(Debug)]
pub(super) enum Event {
    /// Of the replica with this number.
    Started(usize, i32),
    /// It cannot be started, for this reason.
    Failed(usize, String),
    /// It is gone; `None` if its keeper went first.
    Ended(usize, Option<Ended>),
    /// SIGINT, SIGTERM or SIGHUP.
    Stop,
    /// Nobody reads what the services write.
    Unheard,
}

/// How to start a replica.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) number: usize,
    pub(super) instance: String,
    pub(super) command: Vec<OsString>,
    pub(super) env: Vec<(OsString, OsString)>,
}

/// A replica that runs.
#[derive(Debug)]
pub(super) struct Run {
    orders: UnixStream,
}

/// Bytes of the longest line that is shown in one piece.
const LONGEST_LINE: u64 = 64 * 1024;
/// How long to wait for the last words of a service that has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

impl Recipe {
    /// Starts the replica under a keeper.
    ///
    /// # Errors
    /// If the keeper cannot be started.
    pub(super) fn start(
        &self,
        myself: &Path,
        directory: &Path,
        screen: &Arc<Screen>,
        events: &Sender<Event>,
    ) -> io::Result<Run> {
        let (orders, keeper_end) = UnixStream::pair()?;
        let mut keeper = Command::new(myself)
            .arg(SUPERVISE)
            .arg("--")
            .args(&self.command)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(directory)
            .stdin(OwnedFd::from(keeper_end))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let (silent, silence) = mpsc::channel::<()>();
        let (stdout, stderr) = (keeper.stdout.take(), keeper.stderr.take());
        if let Some(stdout) = stdout {
            self.listen(stdout, Stream::Stdout, screen, events, silent.clone());
        }
        if let Some(stderr) = stderr {
            self.listen(stderr, Stream::Stderr, screen, events, silent);
        }
        let reports = orders.try_clone()?;
        let (number, events) = (self.number, events.clone());
        thread::spawn(move || {
            let ended = hear(number, reports, keeper, &events);
            // Ends at once when both streams have: a crash is announced after its message.
            let _ = silence.recv_timeout(LAST_WORDS);
            if let Some(ended) = ended {
                let _ = events.send(ended);
            }
        });
        Ok(Run { orders })
    }

    fn listen(
        &self,
        from: impl Read + Send + 'static,
        stream: Stream,
        screen: &Arc<Screen>,
        events: &Sender<Event>,
        silent: Sender<()>,
    ) {
        let (screen, events) = (Arc::clone(screen), events.clone());
        let instance = self.instance.clone();
        thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            let mut heard = true;
            loop {
                line.clear();
                match from
                    .by_ref()
                    .take(LONGEST_LINE)
                    .read_until(b'\n', &mut line)
                {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
                let text = line.strip_suffix(b"\n").unwrap_or(&line);
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                // Read on in any case: a service must not hang on a full pipe.
                if heard && screen.line(&instance, stream, text).is_err() {
                    heard = false;
                    let _ = events.send(Event::Unheard);
                }
            }
            drop(silent);
        });
    }
}

impl Run {
    /// Asks the replica to end.
    pub(super) fn terminate(&mut self) {
        self.order(supervise::TERMINATE);
    }

    /// Ends it.
    pub(super) fn kill(&mut self) {
        self.order(supervise::KILL);
    }

    fn order(&mut self, order: u8) {
        // A keeper that is gone has said so, or is missed by the thread that hears it.
        let _ = self.orders.write_all(&[order]);
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // The thread that hears has the same socket open; the keeper is to see its end.
        let _ = self.orders.shutdown(Shutdown::Write);
    }
}

/// Passes on what the keeper tells, to its end, which is returned.
fn hear(
    number: usize,
    reports: UnixStream,
    mut keeper: Child,
    events: &Sender<Event>,
) -> Option<Event> {
    let mut group = None;
    let mut last = None;
    for line in BufReader::new(reports).lines().map_while(Result::ok) {
        match line.parse() {
            Ok(Report::Started(pid)) => {
                group = Pid::from_raw(pid);
                let _ = events.send(Event::Started(number, pid));
            }
            Ok(Report::Failed(reason)) => last = Some(Event::Failed(number, reason)),
            Ok(Report::Ended(ended)) => last = Some(Event::Ended(number, Some(ended))),
            Err(()) => {}
        }
    }
    let _ = keeper.wait();
    if last.is_none() {
        // Somebody killed the keeper: do its work.
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        last = Some(Event::Ended(number, None));
    }
    last
}
