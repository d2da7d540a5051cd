//! Proxies beside registered services.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::{Agent, Program, Release, agent::free};

/// A kind of proxy, found on this machine.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// The one that is a part of Consul.
    BuiltIn,
    /// Envoy, and where it is.
    Envoy(&'static Path),
}

/// A proxy that somebody else started, as a process.
#[derive(Clone, Debug)]
pub struct Found {
    pid: Pid,
    /// How it was started.
    pub command: String,
}

impl Kind {
    /// Starts a proxy beside the service that is registered as `id`.
    ///
    /// # Panics
    /// If it cannot be started, or the agent's release knows no such proxy.
    pub fn start(self, agent: &Agent, id: &str) -> Program {
        let mut command = Command::new(agent.consul().path);
        command
            .env("CONSUL_HTTP_ADDR", agent.http().to_string())
            .env_remove("CONSUL_GRPC_ADDR");
        match agent.master() {
            Some(token) => command.env("CONSUL_HTTP_TOKEN", token),
            None => command.env_remove("CONSUL_HTTP_TOKEN"),
        };
        match self {
            Kind::BuiltIn => {
                command.args(["connect", "proxy", "-sidecar-for", id]);
            }
            Kind::Envoy(path) => {
                assert!(agent.consul().release >= Release::V1_22, "it cannot");
                command
                    .args(["connect", "envoy", "-sidecar-for", id])
                    .args(["-grpc-addr", &agent.grpc().to_string()])
                    .args(["-admin-bind", &format!("127.0.0.1:{}", free())])
                    .arg("-envoy-binary")
                    .arg(path)
                    .args(["-ignore-envoy-compatibility=true", "--"])
                    .args([
                        "--disable-hot-restart",
                        "--concurrency",
                        "1",
                        "--log-level",
                        "warning",
                    ])
                    .args(["--drain-strategy", "immediate", "--drain-time-s", "100000"]);
            }
        }
        Program::start(&format!("{self}-{id}"), &command, agent.folder())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::BuiltIn => "builtin",
            Kind::Envoy(_) => "envoy",
        })
    }
}

/// The proxies that the process `parent` has started.
///
/// # Panics
/// If `ps` cannot be run.
pub fn beside(parent: u32) -> Vec<Found> {
    let output = Command::new("ps")
        .args(["-A", "-ww", "-o", "pid=,ppid=,args="])
        .output()
        .expect("`ps` can be run");
    let listed = String::from_utf8_lossy(&output.stdout);
    let found = listed.lines().filter_map(|line| {
        let (pid, rest) = line.trim_start().split_once(' ')?;
        let (of, command) = rest.trim_start().split_once(' ')?;
        let program = command.split_whitespace().next().map(PathBuf::from)?;
        let name = program.file_name()?.to_string_lossy().into_owned();
        let is_proxy = name.starts_with("envoy")
            || name.starts_with("consul") && command.contains(" connect ");
        let is_its = of.parse() == Ok(parent) && is_proxy;
        let pid = Pid::from_raw(pid.parse().ok()?)?;
        is_its.then(|| Found {
            pid,
            command: command.to_owned(),
        })
    });
    found.collect()
}

impl Found {
    /// Process id.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Keeps it from running.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it run again.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Whether it has ended.
    pub fn is_gone(&self) -> bool {
        test_kill_process(self.pid).is_err()
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("the proxy is there");
    }
}
