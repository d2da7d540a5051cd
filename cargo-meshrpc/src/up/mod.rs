//! `cargo meshrpc up`: the workspace's services on this machine.

mod agent;
mod backoff;
mod build;
mod fleet;
mod mesh;
mod plan;
mod replica;
mod screen;
mod supervise;

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;

use self::{
    agent::DevAgent,
    fleet::Fleet,
    mesh::Mesh,
    plan::{Plan, Service},
    screen::Screen,
};

pub(crate) use supervise::{SUPERVISE, SuperviseArgs, supervise};

/// Build and start the services of this workspace, where they find each other.
///
/// Services are listed in the workspace's Cargo.toml, or in that of a package:
///
///   [workspace.metadata.meshrpc.up.greeter]
///   bin = "greeter"           # the binary; the service's name unless given
///   package = "greeter"       # its package, where two have a binary of that name
///   replicas = 3              # 1 unless given
///   args = ["--verbose"]
///   env = { LISTEN = "{http}" }
///   http = "127.0.0.1:8080"   # answers HTTP there: ready when it accepts a connection
///   ready = "registered"      # or "running": when it counts as ready
///   curl = ["/greeter/greet/Max", "-X POST http://{http}/greeter/greet"]
///
/// Without such a list it is every binary whose package depends on meshrpc-runtime. `{http}`,
/// `{instance}` and `{replica}` stand for what they say in `args`, `env` and `curl`. A service is
/// ready when the registry lists it as ready, or it accepts on its `http` address; one that does
/// not use meshrpc, or has `ready = "running"`, when it runs.
///
/// What ends with an exit code other than 0 is started again, after a while that grows. The first
/// Ctrl-C stops everything with SIGTERM, the second with SIGKILL.
///
/// Exit code: 0 after an orderly stop, 1 if the build failed or a service never got ready.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct UpArgs {
    /// What to start, and how many of each; all services unless named.
    #[arg(value_name = "SERVICE[=REPLICAS]")]
    services: Vec<Wanted>,

    /// Where the services meet: `local`, `consul`, or a whole URL [default: MESHRPC_MESH, else
    /// `local`]. `consul` is the agent at 127.0.0.1:8500; where none answers, one for development
    /// is started, and stopped at the end.
    #[arg(long, value_name = "MESH")]
    mesh: Option<String>,

    /// Build with the release profile.
    #[arg(long)]
    release: bool,

    /// Say nothing but errors and restarts; services are still heard.
    #[arg(short, long)]
    quiet: bool,

    /// The Cargo.toml of the workspace or of a package in it.
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,

    /// Another `http` address for a service; port 0 takes a free one.
    #[arg(long, value_name = "SERVICE=IP:PORT")]
    http: Vec<HttpAddress>,

    /// Seconds that services get to finish after the first Ctrl-C.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    drain: u64,
}

/// A service named on the command line.
#[derive(Clone, Debug)]
struct Wanted {
    service: String,
    replicas: Option<u32>,
}

/// An address given on the command line.
#[derive(Clone, Debug)]
struct HttpAddress {
    service: String,
    address: SocketAddr,
}

/// Runs the verb for the workspace around `root`.
///
/// # Errors
/// If the workspace cannot be read, the build fails, or the services cannot be started.
pub(crate) fn run(arguments: UpArgs, root: &Path) -> anyhow::Result<ExitCode> {
    let mut plan = Plan::read(
        root,
        arguments.manifest_path.as_deref(),
        &arguments.services,
    )?;
    for HttpAddress { service, address } in arguments.http {
        let Some(service) = plan.services.iter_mut().find(|known| known.name == service) else {
            bail!("--http: the service `{service}` is not started");
        };
        service.set_http(address);
    }
    for service in &mut plan.services {
        claim_http(service)?;
    }
    let executables = build::build(&plan, arguments.release, arguments.quiet)?;

    let mesh = Mesh::open(arguments.mesh.as_deref(), &plan)?;
    let missing = mesh.missing_agent()?;
    let names = plan
        .instances()
        .chain(missing.map(|_| agent::NAME.to_owned()));
    let screen = Arc::new(Screen::new(names, arguments.quiet));
    // Outlives the services, which leave the mesh when they end.
    let _agent = match missing {
        Some(address) => Some(DevAgent::start(address, &mesh, &plan.root, &screen)?),
        None => None,
    };
    let drain = Duration::from_secs(arguments.drain);
    Fleet::new(&plan, &executables, mesh, screen, drain)?.run()
}

/// Finds out early that somebody else has the address, and which port 0 stands for. The port is
/// free again until the service takes it.
fn claim_http(service: &mut Service) -> anyhow::Result<()> {
    let Some(address) = service.http else {
        return Ok(());
    };
    if service.replicas > 1 {
        bail!(
            "{} replicas of `{}` cannot share {address}",
            service.replicas,
            service.name
        );
    }
    let listener = TcpListener::bind(address).with_context(|| {
        let name = &service.name;
        format!("{name} cannot have {address}; `--http {name}=127.0.0.1:0` takes a free port")
    })?;
    service.set_http(listener.local_addr()?);
    Ok(())
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((service, replicas)) = text.split_once('=') else {
            return Ok(Self {
                service: text.to_owned(),
                replicas: None,
            });
        };
        match replicas.parse() {
            Ok(replicas @ 1..=plan::MAX_REPLICAS) => Ok(Self {
                service: service.to_owned(),
                replicas: Some(replicas),
            }),
            _ => Err(format!(
                "replicas are a number from 1 to {}",
                plan::MAX_REPLICAS
            )),
        }
    }
}

impl FromStr for HttpAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected SERVICE=IP:PORT".to_owned();
        let (service, address) = text.split_once('=').ok_or_else(expected)?;
        let address = address.parse().map_err(|_| expected())?;
        Ok(Self {
            service: service.to_owned(),
            address,
        })
    }
}
