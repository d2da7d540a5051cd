//! The processes at both ends: what is served, and who calls it.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail};
use meshrpc::{Mesh, discovery::Address, mesh::consul::Service};
use serde::{Deserialize, Serialize};

use super::leaf;
use crate::{
    drive::{self, Sample},
    process,
    stacks::{Stack, meshrpc as product, raw},
    workload::Workload,
};

/// Times that a way is tried until a call passes, and the pause between two.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// What a caller is asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    /// With which stack.
    pub stack: Stack,
    /// The service, or where it listens.
    pub to: String,
    /// What is to be done.
    pub workload: Workload,
    /// For how long.
    pub seconds: f64,
}

/// Serves `bench-…` and the bare echo as `raw-…` in a mesh, until its input ends.
pub async fn behind(url: String, place: String) -> Result<()> {
    let (address, serving) = raw::listen().await?;
    tokio::spawn(serving);
    let mesh = Mesh::open(&url).await?;
    let consul = mesh.consul().context("not a mesh of Consul")?;
    let bare = Service::new(&format!("raw-{place}"), Address::Tcp(address));
    consul.start(bare).await?;
    let _serving = mesh
        .serve(&format!("bench-{place}"), product::server())
        .await?;
    process::answer(address);
    std::future::pending().await
}

/// Makes the calls that it is asked for, until its input ends.
pub async fn before(url: String) -> Result<()> {
    let mut caller = Caller {
        mesh: Mesh::open(&url).await?,
        url,
        connections: HashMap::new(),
        bare: HashMap::new(),
    };
    loop {
        let line = tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await?;
        let Some(line) = line.transpose()? else {
            return Ok(());
        };
        let question: Question = serde_json::from_str(&line)?;
        let sample = caller.answer(&question).await?;
        println!("{}", serde_json::to_string(&sample)?);
    }
}

/// A caller in a mesh, with its connections.
struct Caller {
    url: String,
    mesh: Mesh,
    connections: HashMap<String, product::Connection>,
    bare: HashMap<String, Bare>,
}

/// A connection of the bare echo.
enum Bare {
    /// To whoever listens there: the server, or a sidecar of this process.
    Plain(raw::Connection),
    /// To the server's sidecar.
    Tls(Box<raw::Connection<leaf::Stream>>),
}

impl Caller {
    async fn answer(&mut self, question: &Question) -> Result<Sample> {
        let Question {
            stack,
            to,
            workload,
            seconds,
        } = question;
        let time = Duration::from_secs_f64(*seconds);
        match stack {
            Stack::Meshrpc => {
                if !self.connections.contains_key(to) {
                    let connection = product::Connection::open(&self.url, to).await?;
                    self.connections.insert(to.clone(), connection);
                }
                drive::over(&self.connections[to], *workload, time).await
            }
            Stack::Raw => {
                let bare = match self.bare.remove(to) {
                    Some(bare) => bare,
                    None => self.bare(to).await?,
                };
                let (sample, bare) = match bare {
                    Bare::Plain(bare) => {
                        let (sample, bare) = drive::over_raw(bare, *workload, time).await?;
                        (sample, Bare::Plain(bare))
                    }
                    Bare::Tls(bare) => {
                        let (sample, bare) = drive::over_raw(*bare, *workload, time).await?;
                        (sample, Bare::Tls(Box::new(bare)))
                    }
                };
                self.bare.insert(to.clone(), bare);
                Ok(sample)
            }
            other => bail!("{} is not measured through sidecars", other.name()),
        }
    }

    /// A connection to `to`, once a call passes.
    async fn bare(&self, to: &str) -> Result<Bare> {
        if let Some(service) = leaf::service(to) {
            let stream = leaf::dial(&self.url, service).await?;
            return Ok(Bare::Tls(Box::new(raw::Connection::over(stream))));
        }
        let address = match to.parse() {
            Ok(address) => address,
            Err(_) => {
                let consul = self.mesh.consul().context("not a mesh of Consul")?;
                let upstreams = consul.connect([to]).await?;
                upstreams.first().context("no way")?.address
            }
        };
        let mut tries = 0;
        loop {
            match passes(address).await {
                Ok(connection) => return Ok(Bare::Plain(connection)),
                Err(error) if tries == TRIES => {
                    return Err(error.context(format!("no call passes to `{to}`")));
                }
                Err(_) => tries += 1,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn passes(address: SocketAddr) -> Result<raw::Connection> {
    let mut connection = raw::Connection::connect(address).await?;
    connection.echo(1, Duration::ZERO, 1).await?;
    Ok(connection)
}
