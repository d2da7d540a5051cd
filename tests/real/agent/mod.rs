//! An agent on ports of its own, and what is asked of it.
//!
//! # Layout
//! - `ports`: ports that nobody else takes
//! - `settings`: what the agent is started with
//! - `requests`: what is asked of it
//! - `intentions`: who may call whom

mod intentions;
mod ports;
mod requests;
mod settings;
mod tokens;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::Path,
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use self::ports::Ports;
use super::{Consul, Host, Program, program::wrapped};
use crate::process::eventually;

pub use intentions::Intention;
pub use ports::{free, free_range};
pub use requests::{Asker, Reply};
pub use tokens::Token;

/// A running agent. It is killed when it is dropped.
pub struct Agent {
    start: Start,
    folder: TempDir,
    ports: Ports,
    program: Program,
}

/// An agent that is about to be started.
pub struct Start {
    consul: Consul,
    kept: bool,
    secured: bool,
    sidecar_ports: Option<RangeInclusive<u16>>,
    server: Option<SocketAddr>,
    /// Where other agents meet it, and where it answers requests.
    met_at: Ipv4Addr,
    asked_at: Ipv4Addr,
    /// What runs it on another host.
    wrapper: Vec<String>,
    more: Vec<Value>,
}

/// The token that may do everything, where agents are secured.
const MASTER: &str = "8f2b1c52-8d3a-4d8e-9d53-6f1e1f0d5a11";

/// What an agent says of certificates that is told to have no mesh.
const OFF: &str = "Connect must be enabled";

/// How often an agent is given other ports when somebody took one of its own.
const TRIES: u32 = 5;

impl Agent {
    /// An agent and server in one, that keeps nothing.
    pub fn of(consul: Consul) -> Start {
        Start {
            consul,
            kept: false,
            secured: false,
            sidecar_ports: None,
            server: None,
            met_at: Ipv4Addr::LOCALHOST,
            asked_at: Ipv4Addr::LOCALHOST,
            wrapper: Vec::new(),
            more: Vec::new(),
        }
    }

    /// The binary it was started from.
    pub fn consul(&self) -> Consul {
        self.start.consul
    }

    /// Where it answers requests.
    pub fn http(&self) -> SocketAddr {
        (self.start.asked_at, self.ports.http).into()
    }

    /// Where Envoy is told what to do.
    pub fn grpc(&self) -> SocketAddr {
        (self.start.asked_at, self.ports.grpc).into()
    }

    /// Where other agents meet it.
    pub fn serf(&self) -> SocketAddr {
        (self.start.met_at, self.ports.serf).into()
    }

    /// The URL of the mesh it knows.
    pub fn url(&self, options: &str) -> String {
        format!("consul://{}?{options}", self.http())
    }

    /// The token that may do everything, if the agent asks for one.
    pub fn master(&self) -> Option<&'static str> {
        self.start.secured.then_some(MASTER)
    }

    /// For whatever belongs to it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.program.log()
    }

    /// Ends it as `kill -9` does; it is gone when this returns.
    pub fn kill(&mut self) {
        self.program.kill();
    }

    /// Asks it to stop, and waits until it has.
    pub fn terminate(&mut self) {
        self.program.terminate();
    }

    /// Keeps it from running.
    pub fn freeze(&self) {
        self.program.freeze();
    }

    /// Lets it run again.
    pub fn thaw(&self) {
        self.program.thaw();
    }

    /// Starts it again after it ended, on the same ports; waits for nothing.
    pub fn start_again(&mut self) {
        self.program = self.start.program(self.folder.path());
    }

    /// Waits until it has a leader.
    ///
    /// # Panics
    /// If it ends instead, or has none in time.
    pub async fn is_ready(&mut self) {
        assert!(
            self.has_leader().await,
            "the agent ended: {}",
            self.program.log()
        );
    }

    /// Waits until it has a leader, can sign certificates, and knows of tokens if it asks for them,
    /// or has ended.
    async fn has_leader(&mut self) -> bool {
        let mut ended = false;
        eventually("the agent has a leader", async || {
            ended = self.program.ended().is_some();
            if ended {
                return true;
            }
            let leader = self.get("/v1/status/leader").await;
            let has_leader =
                leader.is_ok_and(|reply| reply.status == 200 && reply.text.contains(':'));
            let signs = async || {
                let roots = self.get("/v1/agent/connect/ca/roots").await;
                roots.is_ok_and(|reply| reply.status == 200 || reply.text.contains(OFF))
            };
            // 1.8 begins as agents before 1.4 were.
            let knows_tokens = async || {
                let tokens = self.get("/v1/acl/tokens").await;
                tokens.is_ok_and(|reply| reply.status == 200)
            };
            has_leader && signs().await && (!self.start.secured || knows_tokens().await)
        })
        .await;
        !ended
    }
}

impl Start {
    /// It keeps what it knows in a folder, and knows it again after it was restarted.
    pub fn kept(mut self) -> Self {
        self.kept = true;
        self
    }

    /// It denies what no token allows.
    pub fn secured(mut self) -> Self {
        self.secured = true;
        self
    }

    /// It has this many ports for sidecars that name none.
    pub fn sidecar_ports(mut self, count: u16) -> Self {
        self.sidecar_ports = Some(ports::free_range(count));
        self
    }

    /// It serves nothing itself, and asks the server of this agent.
    pub fn beside(mut self, server: &Agent) -> Self {
        self.server = Some(server.serf());
        self
    }

    /// It runs on another host.
    pub fn on(mut self, host: &Host) -> Self {
        self.met_at = host.address();
        self.asked_at = host.address();
        self.wrapper = host.wrapper();
        self
    }

    /// It runs on this host, and other agents meet it at this address.
    pub fn met_at(mut self, address: Ipv4Addr) -> Self {
        self.met_at = address;
        self
    }

    /// With these settings beside the others.
    pub fn with(mut self, settings: Value) -> Self {
        self.more.push(settings);
        self
    }

    /// Starts it; it has a leader when this returns.
    ///
    /// # Panics
    /// If it has none in time.
    pub async fn start(self) -> Agent {
        let folder = tempfile::Builder::new()
            .prefix("consul")
            .tempdir()
            .expect("a folder can be made");
        let ports = self.laid_out(folder.path());
        let program = self.program(folder.path());
        let mut agent = Agent {
            start: self,
            folder,
            ports,
            program,
        };
        for _ in 1..TRIES {
            if agent.has_leader().await {
                return agent;
            }
            let log = agent.log();
            assert!(
                log.contains("address already in use"),
                "the agent ended: {log}"
            );
            agent.ports = agent.start.laid_out(agent.folder.path());
            agent.start_again();
        }
        agent.is_ready().await;
        agent
    }

    /// Writes the settings, with new ports.
    fn laid_out(&self, folder: &Path) -> Ports {
        let ports = Ports::new();
        let settings = self.settings(&ports, folder);
        let text = serde_json::to_string_pretty(&settings).expect("settings are JSON");
        fs::write(folder.join("settings.json"), text).expect("the folder can be written");
        ports
    }

    fn program(&self, folder: &Path) -> Program {
        let mut command = Command::new(self.consul.path);
        command.arg("agent");
        if !self.kept && self.server.is_none() {
            command.arg("-dev");
        }
        command
            .arg("-config-file")
            .arg(folder.join("settings.json"))
            // Nothing of whoever runs the tests is to decide.
            .env_remove("CONSUL_HTTP_ADDR")
            .env_remove("CONSUL_HTTP_TOKEN");
        let name = format!("consul-{}", self.consul.release);
        Program::start(&name, &wrapped(&self.wrapper, &command), folder)
    }
}
