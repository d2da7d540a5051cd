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

use super::{Cause, Finding, Report, agent, instances::Known, path};

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

pub(super) async fn examine(
    consul: &Consul,
    deployment: &str,
    known: &Known,
    only: Option<&str>,
    report: &mut Report,
) {
    let callers = match callers(consul, deployment, only).await {
        Ok(callers) => callers,
        Err(error) => return report.finding(&agent::trouble("callers", &error).of(deployment)),
    };
    for Caller { name, upstreams } in callers {
        let subject = format!("{name} → {deployment}");
        let allowed = match consul.agent().may_connect(&name, deployment).await {
            Ok(allowed) => allowed,
            Err(error) => {
                report.finding(&agent::trouble("intentions", &error).of(subject));
                continue;
            }
        };
        report.finding(&match allowed {
            true => Finding::ok("intentions", "allowed").of(&subject),
            false => {
                Finding::failed("intentions", Cause::Denied, "no intention allows it").of(&subject)
            }
        });
        if consul.options().route() != Route::Upstream {
            continue;
        }
        if upstreams.is_empty() {
            let detail = "no sidecar on this agent has an upstream to it";
            let finding = Finding::failed("upstream", Cause::UpstreamMissing, detail);
            report.finding(&finding.of(&subject));
        }
        for address in upstreams {
            match listens(address).await {
                Ok(()) => {
                    let detail = format!("{address} listens");
                    report.finding(&Finding::ok("upstream", detail).of(&subject));
                }
                Err(error) => {
                    let detail = format!("{address}: {error}");
                    let finding = Finding::failed("upstream", Cause::UpstreamDown, detail);
                    report.finding(&finding.of(&subject));
                    continue;
                }
            }
            // What is forbidden, or leads nowhere, has been said.
            if allowed && !known.callable.is_empty() {
                report.finding(&path::direct(&through(address, known)).await);
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
