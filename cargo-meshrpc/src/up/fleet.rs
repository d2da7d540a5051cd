//! All replicas: starting, starting again, and stopping.

use std::{
    collections::HashSet,
    env,
    ffi::OsString,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use super::{
    backoff::Backoff,
    build::Executables,
    mesh::Mesh,
    plan::{Plan, Ready, Service},
    replica::{Event, Recipe, Run},
    screen::Screen,
    supervise::{self, Ended},
};

/// Everything that runs.
pub(super) struct Fleet {
    replicas: Vec<Replica>,
    curl: Vec<String>,
    directory: PathBuf,
    myself: PathBuf,
    mesh: Mesh,
    screen: Arc<Screen>,
    drain: Duration,
    stopping: Option<Stopping>,
    /// Everything was ready once, and that was said.
    complete: bool,
    /// When to look next who is ready.
    look: Instant,
    events: Receiver<Event>,
    sender: Sender<Event>,
}

struct Replica {
    recipe: Recipe,
    ready: Ready,
    http: Option<SocketAddr>,
    state: State,
    backoff: Backoff,
    was_ready: bool,
    crashed: bool,
}

enum State {
    /// To be started.
    Due(Instant),
    Running {
        run: Run,
        since: Instant,
        pid: Option<i32>,
        ready: bool,
    },
    Finished,
}

enum Stopping {
    Asked { until: Instant },
    Killed { until: Instant },
}

/// Time between two looks who is ready.
const LOOK: Duration = Duration::from_millis(50);
/// The same for whoever is not ready after a while.
const SLOW_LOOK: Duration = Duration::from_millis(500);
const A_WHILE: Duration = Duration::from_secs(10);
/// How long the end of killed processes may take.
const KILL_TAKES: Duration = Duration::from_secs(5);

impl Fleet {
    pub(super) fn new(
        plan: &Plan,
        executables: &Executables,
        mesh: Mesh,
        screen: Arc<Screen>,
        drain: Duration,
    ) -> anyhow::Result<Self> {
        let now = Instant::now();
        let mut replicas = Vec::new();
        for service in &plan.services {
            let executable = executables
                .get(&(service.package.clone(), service.bin.clone()))
                .with_context(|| format!("cargo did not build the binary `{}`", service.bin))?;
            for replica in 1..=service.replicas {
                let arguments = service.args(replica).into_iter().map(OsString::from);
                replicas.push(Replica {
                    recipe: Recipe {
                        number: replicas.len(),
                        instance: service.instance(replica),
                        command: [executable.clone().into()]
                            .into_iter()
                            .chain(arguments)
                            .collect(),
                        env: environment(service, replica, &mesh),
                    },
                    ready: service.ready,
                    http: service.http,
                    state: State::Due(now),
                    backoff: Backoff::default(),
                    was_ready: false,
                    crashed: false,
                });
            }
        }
        let (sender, events) = mpsc::channel();
        Ok(Self {
            replicas,
            curl: plan.services.iter().flat_map(Service::curl).collect(),
            directory: plan.root.clone(),
            myself: supervise::this_program().context("this program cannot be found")?,
            mesh,
            screen,
            drain,
            stopping: None,
            complete: false,
            look: now,
            events,
            sender,
        })
    }

    /// Runs everything until it is stopped, or has finished.
    pub(super) fn run(mut self) -> anyhow::Result<ExitCode> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let sender = self.sender.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                let _ = sender.send(Event::Stop);
            }
        });
        loop {
            self.start_what_is_due();
            self.look_who_is_ready();
            self.hurry();
            if self
                .replicas
                .iter()
                .all(|replica| matches!(replica.state, State::Finished))
            {
                break;
            }
            match self.events.recv_timeout(self.pause()) {
                Ok(event) => self.handle(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let never: Vec<_> = self
            .replicas
            .iter()
            .filter(|replica| replica.crashed && !replica.was_ready)
            .collect();
        for replica in &never {
            self.screen
                .warn(&format!("{} never got ready", replica.recipe.instance));
        }
        self.screen.say("everything has ended");
        Ok(if never.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn start_what_is_due(&mut self) {
        let now = Instant::now();
        for number in 0..self.replicas.len() {
            let replica = &mut self.replicas[number];
            if !matches!(replica.state, State::Due(at) if at <= now) {
                continue;
            }
            let recipe = &replica.recipe;
            match recipe.start(&self.myself, &self.directory, &self.screen, &self.sender) {
                Ok(run) => {
                    replica.state = State::Running {
                        run,
                        since: now,
                        pid: None,
                        ready: false,
                    };
                    self.look = now;
                }
                Err(error) => self.failed(number, &error.to_string()),
            }
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Started(number, started) => {
                let replica = &mut self.replicas[number];
                if let State::Running { pid, .. } = &mut replica.state {
                    *pid = Some(started);
                }
                self.look = Instant::now();
            }
            Event::Failed(number, reason) => self.failed(number, &reason),
            Event::Ended(number, ended) => self.ended(number, ended),
            Event::Stop if self.stopping.is_some() => self.kill(),
            Event::Stop | Event::Unheard => self.stop(),
        }
    }

    /// One that never ran stops everything. One that did may be in the middle of a build.
    fn failed(&mut self, number: usize, reason: &str) {
        let replica = &mut self.replicas[number];
        let instance = &replica.recipe.instance;
        if replica.was_ready && self.stopping.is_none() {
            let wait = replica.backoff.after(Duration::ZERO);
            let seconds = wait.as_secs_f64();
            self.screen.warn(&format!(
                "{instance} cannot be started: {reason}; trying again in {seconds:.1} s"
            ));
            replica.state = State::Due(Instant::now() + wait);
        } else {
            self.screen
                .warn(&format!("{instance} cannot be started: {reason}"));
            replica.state = State::Finished;
            replica.crashed = true;
            self.stop();
        }
    }

    fn ended(&mut self, number: usize, ended: Option<Ended>) {
        let replica = &mut self.replicas[number];
        let instance = &replica.recipe.instance;
        let State::Running { since, .. } = replica.state else {
            return;
        };
        let how = match ended {
            Some(ended) => format!("ended with {ended}"),
            None => "was killed because its supervisor is gone".to_owned(),
        };
        if self.stopping.is_some() {
            self.screen.say(&format!("{instance} {how}"));
            replica.state = State::Finished;
        } else if ended == Some(Ended::Code(0)) {
            self.screen.say(&format!("{instance} has finished"));
            replica.was_ready = true;
            replica.state = State::Finished;
        } else {
            let wait = replica.backoff.after(since.elapsed());
            let seconds = wait.as_secs_f64();
            self.screen.warn(&format!(
                "{instance} {how}; starting it again in {seconds:.1} s"
            ));
            replica.crashed = true;
            replica.state = State::Due(Instant::now() + wait);
        }
    }

    /// Asks everything to end. What has not started yet does not start.
    fn stop(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        let seconds = self.drain.as_secs();
        self.screen.say(&format!(
            "stopping; what is not done in {seconds} s is killed, Ctrl-C kills it at once"
        ));
        for replica in &mut self.replicas {
            match &mut replica.state {
                State::Running { run, .. } => run.terminate(),
                state => *state = State::Finished,
            }
        }
        self.stopping = Some(Stopping::Asked {
            until: Instant::now() + self.drain,
        });
    }

    fn kill(&mut self) {
        for replica in &mut self.replicas {
            if let State::Running { run, .. } = &mut replica.state {
                self.screen
                    .warn(&format!("killing {}", replica.recipe.instance));
                run.kill();
            }
        }
        self.stopping = Some(Stopping::Killed {
            until: Instant::now() + KILL_TAKES,
        });
    }

    /// Kills what was asked to end and has not.
    fn hurry(&mut self) {
        let now = Instant::now();
        match self.stopping {
            Some(Stopping::Asked { until }) if until <= now => self.kill(),
            Some(Stopping::Killed { until }) if until <= now => {
                for replica in &mut self.replicas {
                    if let State::Running { pid: Some(pid), .. } = replica.state {
                        let instance = &replica.recipe.instance;
                        self.screen
                            .warn(&format!("{instance} (process {pid}) does not end"));
                    }
                    replica.state = State::Finished;
                }
            }
            _ => {}
        }
    }

    fn look_who_is_ready(&mut self) {
        let now = Instant::now();
        if self.look > now || self.stopping.is_some() {
            return;
        }
        let waits = |replica: &Replica, kind| {
            replica.ready == kind && matches!(replica.state, State::Running { ready: false, .. })
        };
        let mut registered = Vec::new();
        if self
            .replicas
            .iter()
            .any(|replica| waits(replica, Ready::Registered))
        {
            match self.mesh.ready() {
                Ok(entries) => registered = entries,
                Err(error) => self.screen.warn(&format!("{error:#}")),
            }
        }
        let mut soonest = SLOW_LOOK;
        let mut waiting = false;
        for replica in &mut self.replicas {
            let instance = replica.recipe.instance.as_str();
            let State::Running {
                since,
                pid: Some(pid),
                ready,
                ..
            } = &mut replica.state
            else {
                continue;
            };
            if *ready {
                continue;
            }
            let place = match (replica.ready, replica.http) {
                (Ready::Accepting, Some(http)) => TcpStream::connect_timeout(&http, LOOK)
                    .ok()
                    .map(|_| format!("at http://{http}")),
                (Ready::Registered, _) => {
                    let mut places = registered.iter().filter(|(name, _)| name == instance);
                    places.next().map(|(_, place)| format!("at {place}"))
                }
                _ => Some("and running".to_owned()),
            };
            match place {
                Some(place) => {
                    *ready = true;
                    replica.was_ready = true;
                    self.screen
                        .say(&format!("{instance} is ready {place} (process {pid})"));
                }
                None => {
                    waiting = true;
                    if since.elapsed() < A_WHILE {
                        soonest = LOOK;
                    }
                }
            }
        }
        self.look = now + if waiting { soonest } else { SLOW_LOOK };
        if !self.complete && self.replicas.iter().all(|replica| replica.was_ready) {
            self.complete = true;
            self.screen.say("everything is ready; Ctrl-C stops it");
            for command in &self.curl {
                self.screen.paste(command);
            }
        }
    }

    /// How long nothing is to be done.
    fn pause(&self) -> Duration {
        let mut next = Instant::now() + Duration::from_secs(60);
        for replica in &self.replicas {
            match replica.state {
                State::Due(at) => next = next.min(at),
                State::Running { ready: false, .. } if self.stopping.is_none() => {
                    next = next.min(self.look);
                }
                _ => {}
            }
        }
        if let Some(Stopping::Asked { until } | Stopping::Killed { until }) = self.stopping {
            next = next.min(until);
        }
        next.saturating_duration_since(Instant::now())
    }
}

/// The environment of a replica: that of `up`, but for what belongs to `up` alone.
fn environment(service: &Service, replica: u32, mesh: &Mesh) -> Vec<(OsString, OsString)> {
    // What `cargo run` tells the program it runs would tell a service that it is `cargo-meshrpc`.
    let own: HashSet<&str> = HashSet::from([
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "MESHRPC_LISTEN",
    ]);
    let inherited = env::vars_os().filter(|(name, _)| {
        name.to_str()
            .is_none_or(|name| !own.contains(name) && !name.starts_with("CARGO_PKG_"))
    });
    let instance = ("MESHRPC_INSTANCE".to_owned(), service.instance(replica));
    let given = mesh.environment().into_iter().chain([instance]);
    let given = given.chain(service.env(replica));
    inherited
        .chain(given.map(|(name, value)| (name.into(), value.into())))
        .collect()
}
