//! The callers of a deployment on this agent: what they may, what listens for them, and where that
//! leads.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use meshrpc::{
    discovery::{Address, Endpoint, Via},
    mesh::consul::{
        Consul, Route,
        agent::{AgentError, ServiceView},
    },
};
use serde::Deserialize;

use super::{Cause, Finding, Prober, Report, agent, instances::Known, path};

/// A service on this agent, and where it reaches the deployment.
#[derive(Debug)]
struct Caller {
    name: String,
    upstreams: Vec<SocketAddr>,
}

/// One entry of a sidecar's `Upstreams`, as far as it is of interest.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Upstream {
    destination_name: String,
    local_bind_address: String,
    local_bind_port: u16,
}

/// A deployment that is called.
pub(super) struct Calls<'a> {
    pub(super) consul: &'a Consul,
    pub(super) prober: &'a Prober,
    pub(super) deployment: &'a str,
    pub(super) known: &'a Known,
}

impl Calls<'_> {
    /// Looks at the callers, or at `only` that one.
    pub(super) async fn examine(&self, only: Option<&str>, report: &mut Report) {
        let Self {
            consul, deployment, ..
        } = self;
        let by_certificate = consul.options().route() == Route::Instance;
        // A certificate is that of one service.
        let only = match by_certificate {
            true => Some(consul.options().identity()),
            false => only,
        };
        let callers = match callers(consul, deployment, only).await {
            Ok(callers) => callers,
            Err(error) => {
                return report.finding(&agent::trouble("callers", &error).of(*deployment));
            }
        };
        if callers.is_empty() {
            let detail = "no service on this agent has an upstream to it: \
                          `--caller NAME` looks for one that should";
            report.finding(&Finding::not_run("callers", detail).of(*deployment));
        }
        for caller in callers {
            let subject = format!("{} → {deployment}", caller.name);
            let finding = match consul.agent().may_connect(&caller.name, deployment).await {
                Ok(true) => Finding::ok("intentions", "allowed"),
                Ok(false) => Finding::failed("intentions", Cause::Denied, "no intention allows it"),
                Err(error) => agent::trouble("intentions", &error),
            };
            let allowed = finding.is_ok();
            report.finding(&finding.of(&subject));
            if by_certificate && allowed {
                for endpoint in &self.known.sidecars {
                    report.finding(&self.prober.handshake(endpoint).await);
                }
            } else if !by_certificate {
                self.upstreams(&subject, &caller.upstreams, allowed, report)
                    .await;
            }
        }
    }

    async fn upstreams(
        &self,
        subject: &str,
        upstreams: &[SocketAddr],
        allowed: bool,
        report: &mut Report,
    ) {
        if upstreams.is_empty() {
            let detail = "no sidecar on this agent has an upstream to it";
            let finding = Finding::failed("upstream", Cause::UpstreamMissing, detail);
            report.finding(&finding.of(subject));
        }
        for &address in upstreams {
            let finding = match listens(address).await {
                Ok(()) => Finding::ok("upstream", format!("{address} listens")),
                Err(error) => {
                    let detail = format!("{address}: {error}");
                    Finding::failed("upstream", Cause::UpstreamDown, detail)
                }
            };
            let listens = finding.is_ok();
            report.finding(&finding.of(subject));
            // What is forbidden, or leads nowhere, has been said.
            if listens && allowed && !self.known.callable.is_empty() {
                let through = through(address, self.known);
                report.finding(&self.prober.handshake(&through).await.of(subject));
            }
        }
    }
}

/// Whose sidecars on this agent lead to `deployment`; `only`, wherever it is, if it is given.
async fn callers(
    consul: &Consul,
    deployment: &str,
    only: Option<&str>,
) -> Result<Vec<Caller>, AgentError> {
    let mut found: BTreeMap<String, Vec<SocketAddr>> = BTreeMap::new();
    for service in consul.agent().services().await?.into_values() {
        let upstreams = upstreams(&service, deployment);
        if !upstreams.is_empty() {
            let caller = service.proxy.destination_service_name;
            found.entry(caller).or_default().extend(upstreams);
        }
    }
    if let Some(only) = only {
        found.retain(|name, _| name == only);
        found.entry(only.to_owned()).or_default();
    }
    let callers = found.into_iter();
    Ok(callers
        .map(|(name, upstreams)| Caller { name, upstreams })
        .collect())
}

fn upstreams(service: &ServiceView, deployment: &str) -> Vec<SocketAddr> {
    let parsed = service.proxy.upstreams.iter().filter_map(|upstream| {
        let upstream = Upstream::deserialize(upstream).ok()?;
        let host = match upstream.local_bind_address.as_str() {
            "" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            address => address.parse().ok()?,
        };
        let leads_there = upstream.destination_name == deployment && upstream.local_bind_port != 0;
        leads_there.then_some(SocketAddr::from((host, upstream.local_bind_port)))
    });
    parsed.collect()
}

async fn listens(address: SocketAddr) -> std::io::Result<()> {
    let dialled = tokio::net::TcpStream::connect(address);
    match tokio::time::timeout(path::PATIENCE, dialled).await {
        Ok(dialled) => dialled.map(drop),
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

fn through(address: SocketAddr, known: &Known) -> Endpoint {
    let expected = known.callable.clone();
    Endpoint {
        dial: Address::Tcp(address),
        instance: None,
        via: Via::Opaque { expected },
        weight: 1,
        zone: None,
    }
}
