//! What is registered under a deployment's name, and how healthy it is.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use meshrpc::{
    discovery::{Address, Endpoint, Instance, Via},
    mesh::consul::{
        Consul,
        agent::{About, AgentError, CheckView, Entry, Lookup},
    },
};
use serde::Deserialize;

use super::{Cause, Finding, Report};

/// A deployment as the registry has it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Ways to the instances themselves, of those that are healthy.
    pub(super) direct: Vec<Endpoint>,
    /// Ways to their sidecars, whatever their health.
    pub(super) sidecars: Vec<Endpoint>,
    /// Whose sidecars are healthy.
    pub(super) callable: Vec<Instance>,
}

/// Asks for instances and sidecars, and says what their checks say.
pub(super) async fn examine(
    consul: &Consul,
    about: &About,
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

    for entry in services.iter().chain(&sidecars) {
        for finding in checks(entry, instance(entry)) {
            report.finding(&finding);
        }
    }
    for finding in compare(consul, about, &services, &sidecars).await? {
        report.finding(&finding);
    }
    let mut known = Known::default();
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
    let healthy = match consul.options().route() {
        meshrpc::mesh::consul::Route::Plain => known.direct.len(),
        _ => known.callable.len(),
    };
    let finding = match healthy {
        0 => Finding::failed(
            "healthy",
            Cause::NoHealthyInstance,
            "no instance can be called",
        ),
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

/// Who an entry is, or stands for.
fn instance(entry: &Entry) -> Instance {
    let service = &entry.service;
    service.instance().unwrap_or_else(|| Instance {
        name: match service.proxy.destination_service_id.as_str() {
            "" => service.id.as_str().into(),
            id => id.into(),
        },
        epoch: 0,
    })
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

/// What is wrong with an instance, as its checks see it.
fn checks(entry: &Entry, instance: Instance) -> impl Iterator<Item = Finding> {
    let wrong = entry
        .checks
        .iter()
        .filter(|check| check.status != "passing");
    wrong.map(move |check| {
        let detail = format!(
            "`{}` is {}: {}",
            check.name,
            check.status,
            check.output.trim()
        );
        let finding = match check.status.as_str() {
            "warning" => Finding::warning("check", cause(check), detail),
            _ => Finding::failed("check", cause(check), detail),
        };
        finding.of(&*instance.name)
    })
}

fn cause(check: &CheckView) -> Cause {
    let id = check.check_id.as_str();
    match id.rsplit(':').next() {
        _ if id.starts_with("_service_maintenance") || id.starts_with("_node_maintenance") => {
            Cause::Maintenance
        }
        Some("sidecar-ttl") => Cause::SidecarSilent,
        Some("sidecar-tcp") => Cause::SidecarDown,
        _ => Cause::InstanceSilent,
    }
}

/// Checks of this agent's own instances whose status the registry has otherwise.
async fn compare(
    consul: &Consul,
    about: &About,
    services: &[Entry],
    sidecars: &[Entry],
) -> Result<Vec<Finding>, AgentError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Own {
        status: String,
    }
    let body = consul
        .agent()
        .raw(http::Method::GET, "agent/checks", "")
        .await?;
    let own: BTreeMap<String, Own> = serde_json::from_slice(&body).unwrap_or_default();
    let here = services
        .iter()
        .chain(sidecars)
        .filter(|entry| entry.node.node == about.node());
    let differing = here.flat_map(|entry| &entry.checks).filter_map(|check| {
        let own = own.get(&check.check_id)?;
        let differs = own.status != check.status;
        differs.then(|| {
            let detail = format!(
                "`{}` is {} at its agent and {} in the registry",
                check.check_id, own.status, check.status
            );
            Finding::warning("registry", Cause::CatalogDiffers, detail).of(&check.service_id)
        })
    });
    Ok(differing.collect())
}
