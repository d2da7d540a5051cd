//! What is registered under a deployment's name, and how healthy it is.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use meshrpc::{
    discovery::{Address, Endpoint, Instance, Via},
    mesh::consul::{
        Consul, Route,
        agent::{AgentError, Entry, Lookup},
    },
};

use super::{
    Cause, Finding, Report,
    checks::{self, Silent},
    instance,
};

/// A deployment as the registry has it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Ways to the instances themselves, of those that are healthy.
    pub(super) direct: Vec<Endpoint>,
    /// Ways to their sidecars, whatever their health.
    pub(super) sidecars: Vec<Endpoint>,
    /// Whose sidecars are healthy.
    pub(super) callable: Vec<Instance>,
    /// Who says nothing any more.
    pub(super) silent: Silent,
}

/// Asks for instances and sidecars, and says what their checks say.
pub(super) async fn examine(
    consul: &Consul,
    deployment: &str,
    report: &mut Report,
) -> Result<Known, AgentError> {
    let services = list(consul, deployment, false).await?;
    let sidecars = list(consul, deployment, true).await?;
    if services.is_empty() && sidecars.is_empty() {
        let detail = "the registry lists nobody under this name";
        let finding = Finding::failed("registered", Cause::NotRegistered, detail);
        report.finding(&finding.of(deployment));
        return Ok(Known::default());
    }
    let detail = format!("{} instances, {} sidecars", services.len(), sidecars.len());
    report.finding(&Finding::ok("registered", detail).of(deployment));

    // Those of sidecars are nothing to calls that pass by them.
    let is_plain = consul.options().route() == Route::Plain;
    let concerned = || {
        let sidecars = sidecars.iter().filter(move |_| !is_plain);
        services.iter().chain(sidecars)
    };
    let silent = Silent::among(&services);
    checks::examine(concerned(), &silent, report);
    checks::compare(consul, concerned(), report).await?;
    let mut known = Known {
        silent,
        ..Known::default()
    };
    for entry in &services {
        if is_healthy(entry) {
            known
                .direct
                .extend(endpoint(entry, instance(entry), Via::Direct));
        }
    }
    for entry in &sidecars {
        let instance = instance(entry);
        if is_healthy(entry) {
            known.callable.push(instance.clone());
        }
        let service: Arc<str> = deployment.into();
        known
            .sidecars
            .extend(endpoint(entry, instance, Via::Sidecar { service }));
    }
    let healthy = match is_plain {
        true => known.direct.len(),
        false => known.callable.len(),
    };
    let finding = match healthy {
        0 if !is_plain && sidecars.is_empty() => {
            let detail = "no instance has a sidecar";
            Finding::failed("healthy", Cause::SidecarMissing, detail)
        }
        0 => {
            let detail = "no instance can be called";
            Finding::failed("healthy", Cause::NoHealthyInstance, detail)
        }
        1 => Finding::ok("healthy", "1 instance can be called"),
        _ => Finding::ok("healthy", format!("{healthy} instances can be called")),
    };
    report.finding(&finding.of(deployment));
    Ok(known)
}

async fn list(consul: &Consul, deployment: &str, connect: bool) -> Result<Vec<Entry>, AgentError> {
    let lookup = Lookup {
        service: deployment.to_owned(),
        connect,
        passing: false,
    };
    let answer = consul.agent().instances(&lookup, 0, Duration::ZERO).await?;
    Ok(answer.value)
}

fn endpoint(entry: &Entry, instance: Instance, via: Via) -> Option<Endpoint> {
    Some(Endpoint {
        dial: Address::Tcp(address(entry)?),
        instance: Some(instance),
        via,
        weight: 1,
        zone: None,
    })
}

fn address(entry: &Entry) -> Option<SocketAddr> {
    let port = u16::try_from(entry.service.port).ok()?;
    Some((entry.host().parse::<std::net::IpAddr>().ok()?, port).into())
}

fn is_healthy(entry: &Entry) -> bool {
    entry.checks.iter().all(|check| check.status == "passing")
}
