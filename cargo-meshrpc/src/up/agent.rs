//! A Consul agent for development, where none runs.

use std::{
    env,
    ffi::OsString,
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use meshrpc::mesh::consul::agent::release;

use super::{
    backoff::Backoff,
    mesh::Mesh,
    replica::{Event, Recipe, Run},
    screen::Screen,
    supervise,
};

/// An agent that runs, and is started again if it ends, until this value is dropped. What it knows
/// is lost then; services register with the next one by themselves.
pub(super) struct DevAgent {
    orders: Sender<Event>,
    tended: Option<JoinHandle<()>>,
}

/// One agent after the other.
struct Runs {
    recipe: Recipe,
    myself: PathBuf,
    directory: PathBuf,
    screen: Arc<Screen>,
    sender: Sender<Event>,
    events: Receiver<Event>,
    backoff: Backoff,
}

/// Its name on the screen.
pub(super) const NAME: &str = "consul";

/// How long it may take until it has elected itself.
const START: Duration = Duration::from_secs(30);
/// How long it may take to end.
const END: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(100);

impl DevAgent {
    /// Starts an agent at `address`, and waits until `mesh` can be asked.
    ///
    /// # Errors
    /// If there is no `consul`, or it does not come up.
    pub(super) fn start(
        address: SocketAddr,
        mesh: &Mesh,
        directory: &Path,
        screen: &Arc<Screen>,
    ) -> anyhow::Result<DevAgent> {
        let program = program()?;
        screen.say(&format!(
            "nobody answers at {address}: starting a development agent there, {}",
            program.display()
        ));
        let (sender, events) = mpsc::channel();
        let runs = Runs {
            recipe: Recipe {
                number: 0,
                instance: NAME.to_owned(),
                command: command(&program, address)?,
                env: env::vars_os()
                    .filter(|(name, _)| {
                        name.to_str()
                            .is_none_or(|name| !name.starts_with("CONSUL_"))
                    })
                    .collect(),
            },
            myself: supervise::this_program().context("this program cannot be found")?,
            directory: directory.to_owned(),
            screen: Arc::clone(screen),
            sender: sender.clone(),
            events,
            backoff: Backoff::default(),
        };
        let run = runs
            .start()
            .context("the development agent cannot be started")?;
        runs.wait_for(mesh)?;
        screen.say(&format!("the agent is ready; http://{address}/ui shows it"));
        Ok(DevAgent {
            orders: sender,
            tended: Some(thread::spawn(move || runs.tend(run))),
        })
    }
}

impl Drop for DevAgent {
    fn drop(&mut self) {
        // Whoever tends it ends after this alone.
        let _ = self.orders.send(Event::Stop);
        if let Some(tended) = self.tended.take() {
            let _ = tended.join();
        }
    }
}

impl Runs {
    fn start(&self) -> io::Result<Run> {
        self.recipe
            .start(&self.myself, &self.directory, &self.screen, &self.sender)
    }

    fn wait_for(&self, mesh: &Mesh) -> anyhow::Result<()> {
        let end = Instant::now() + START;
        while !mesh.is_up() {
            match self.events.recv_timeout(LOOK) {
                Ok(Event::Failed(_, reason)) => {
                    bail!("the development agent cannot be started: {reason}")
                }
                Ok(Event::Ended(..)) => {
                    bail!("the development agent ended; what it said stands above")
                }
                Ok(_) | Err(_) => {}
            }
            if Instant::now() > end {
                bail!("the development agent is not ready after {START:?}");
            }
        }
        Ok(())
    }

    /// Starts it again whenever it ends, until it is told to stop.
    fn tend(mut self, first: Run) {
        let mut run = Some(first);
        loop {
            let since = Instant::now();
            if run.is_some() && self.is_told_to_stop_first() {
                return self.end(run);
            }
            let wait = self.backoff.after(since.elapsed());
            let seconds = wait.as_secs_f64();
            self.screen.warn(&format!(
                "the development agent is gone; starting it again in {seconds:.1} s"
            ));
            if self.is_told_to_stop_within(wait) {
                return;
            }
            run = self.start().ok();
        }
    }

    /// Waits for the end of the run, or for the order to stop.
    fn is_told_to_stop_first(&self) -> bool {
        loop {
            match self.events.recv() {
                Ok(Event::Ended(..) | Event::Failed(..)) => return false,
                Ok(Event::Stop) | Err(_) => return true,
                Ok(_) => {}
            }
        }
    }

    fn is_told_to_stop_within(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    fn end(self, run: Option<Run>) {
        let Some(mut run) = run else {
            return;
        };
        run.terminate();
        let end = Instant::now() + END;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                // Its keeper kills what is left when the run is dropped.
                Ok(Event::Ended(..) | Event::Failed(..)) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }
}

/// `consul` in the `PATH`.
fn program() -> anyhow::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|folder| folder.join("consul"))
        .find(|program| program.is_file());
    found.context(
        "no Consul agent answers, and there is no program `consul` in the PATH to start one with",
    )
}

/// The command for an agent that only this machine reaches. All its ports are free ones, since
/// another agent may have the usual ones, but for the one it is asked at.
fn command(program: &Path, address: SocketAddr) -> anyhow::Result<Vec<OsString>> {
    // Held until all are known, so that none is given twice.
    let held: Vec<TcpListener> = (0..4)
        .map(|_| TcpListener::bind((address.ip(), 0)))
        .collect::<Result<_, _>>()
        .context("no free ports")?;
    let mut free = Vec::new();
    for listener in &held {
        free.push(listener.local_addr()?.port());
    }
    let mut ports = serde_json::json!({
        "http": address.port(),
        "dns": -1,
        "server": free[0],
        "serf_lan": free[1],
        "serf_wan": free[2],
        "grpc": free[3],
    });
    if knows_grpc_tls(program) {
        ports["grpc_tls"] = (-1).into();
    }
    let settings = serde_json::json!({ "ports": ports, "connect": { "enabled": true } });
    let ip = address.ip().to_string();
    let words = [
        "agent",
        "-dev",
        "-log-level",
        "err",
        "-node",
        "development",
        "-bind",
        &ip,
        "-client",
        &ip,
        "-hcl",
    ];
    let mut command: Vec<OsString> = vec![program.into()];
    command.extend(words.map(OsString::from));
    command.push(settings.to_string().into());
    Ok(command)
}

/// Whether `program` would open a port of its own for configuration over TLS, and takes a setting
/// for it: since 1.14.
fn knows_grpc_tls(program: &Path) -> bool {
    let output = Command::new(program).arg("version").output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    // "Consul v1.22.0", and then about other things.
    text.split_whitespace().find_map(release) >= Some((1, 14))
}
