//! The agent of Consul that a run has for itself, and the programs it needs.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;

/// The programs beside which calls are measured.
pub struct Programs {
    /// Consul, which is the built-in proxy too.
    pub consul: PathBuf,
    /// Envoy, if it is there.
    pub envoy: Option<PathBuf>,
}

/// A running agent, which keeps nothing. It is killed when this is dropped.
pub struct Agent {
    child: Child,
    /// Where it answers.
    pub http: SocketAddr,
    _folder: TempDir,
}

impl Programs {
    /// Finds them, by the variables that tests know or in `PATH`. `None` without Consul.
    pub fn find() -> Option<Self> {
        Some(Self {
            consul: found("MESHRPC_TEST_CONSUL_1_22", "consul")?,
            envoy: found("MESHRPC_TEST_ENVOY", "envoy"),
        })
    }

    /// The versions, as the programs say them.
    pub fn versions(&self) -> Vec<String> {
        let said = |program: &Path, argument| {
            let output = Command::new(program).arg(argument).output().ok()?;
            let text = String::from_utf8(output.stdout).ok()?;
            let line = text.lines().find(|line| !line.trim().is_empty())?;
            Some(line.trim().to_owned())
        };
        let envoy = self.envoy.as_ref();
        [
            said(&self.consul, "version"),
            envoy.and_then(|envoy| said(envoy, "--version")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Agent {
    /// Starts one, on ports that are free now. Whoever joins its mesh waits until it has a leader.
    pub fn start(consul: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        // All at one time, so that none is given twice.
        let listeners = (0..4).map(|_| TcpListener::bind("127.0.0.1:0"));
        let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
        let addresses = listeners.iter().map(TcpListener::local_addr);
        let addresses = addresses.collect::<Result<Vec<_>, _>>()?;
        drop(listeners);
        let [http, grpc, server, serf] = addresses[..] else {
            anyhow::bail!("an agent has four ports");
        };
        let settings = json!({
            "node_name": "meshbench",
            "bind_addr": "127.0.0.1",
            "client_addr": "127.0.0.1",
            "disable_update_check": true,
            "log_level": "warn",
            "ports": {
                "http": http.port(), "grpc": grpc.port(), "server": server.port(),
                "serf_lan": serf.port(), "serf_wan": -1, "dns": -1, "https": -1, "grpc_tls": -1,
            },
        });
        let file = folder.path().join("settings.json");
        fs::write(&file, settings.to_string())?;
        let log = fs::File::create(folder.path().join("log"))?;
        // With `setpriv` of util-linux it ends also where this process is killed.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(consul)
            .args(["agent", "-dev", "-config-file"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("`setpriv` of util-linux starts the agent")?;
        Ok(Self {
            child,
            http,
            _folder: folder,
        })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn found(variable: &str, program: &str) -> Option<PathBuf> {
    if let Some(path) = env::var_os(variable) {
        return Some(path.into());
    }
    let folders = env::var_os("PATH")?;
    let mut paths = env::split_paths(&folders).map(|folder| folder.join(program));
    paths.find(|path| path.is_file())
}
