//! `local:`: the directory, and who answers at its entries.

use std::sync::Arc;

use meshrpc::{
    client::Dialer,
    discovery::{Endpoint, Health, Via},
    mesh::{Environment, local::Registry},
};

use super::{
    finding::{Cause, Finding},
    path::Prober,
    report::Report,
};

/// Looks at the registry, and at the instances of `deployments`; of all unless some are named.
pub(super) async fn examine(
    environment: &Environment,
    deployments: &[String],
    report: &mut Report,
) {
    let registry = match Registry::open(environment) {
        Ok(registry) => registry,
        Err(error) => return report.failed("registry", Cause::RegistryUnusable, &error),
    };
    let prober = match Prober::new(Arc::new(Dialer), environment) {
        Ok(prober) => prober,
        Err(error) => return report.failed("keys", Cause::Environment, &error),
    };
    let (directory, namespace) = (registry.runtime_dir(), registry.namespace());
    let detail = format!("directory {directory}, namespace {namespace}");
    report.finding(&Finding::ok("registry", detail));
    let known = match registry.deployments() {
        Ok(known) => known,
        Err(error) => return report.failed("registry", Cause::RegistryUnusable, &error),
    };
    let chosen = match deployments {
        [] => &known,
        named => named,
    };
    for deployment in chosen {
        instances(&registry, &prober, deployment, report).await;
    }
}

async fn instances(registry: &Registry, prober: &Prober, deployment: &str, report: &mut Report) {
    let entries = match registry.list(deployment) {
        Ok(entries) => entries,
        Err(error) => return report.failed("registered", Cause::RegistryUnusable, &error),
    };
    if entries.is_empty() {
        let detail = "no process announces it in this namespace";
        let finding = Finding::failed("registered", Cause::NotRegistered, detail);
        return report.finding(&finding.of(deployment));
    }
    let ready = entries.iter().filter(|entry| entry.health == Health::Ready);
    let detail = format!("{} of {} instances are ready", ready.count(), entries.len());
    report.finding(&Finding::ok("registered", detail).of(deployment));
    for entry in entries {
        let name = entry.instance.name.to_string();
        match (entry.health, entry.address) {
            (Health::Ready, Some(dial)) => {
                let endpoint = Endpoint {
                    dial,
                    instance: Some(entry.instance),
                    via: Via::Direct,
                    weight: 1,
                    zone: None,
                };
                report.finding(&prober.handshake(&endpoint).await);
            }
            (Health::Draining, _) => {
                let detail = format!("it drains, process {}", entry.pid);
                let finding = Finding::warning("instance", Cause::Maintenance, detail);
                report.finding(&finding.of(name));
            }
            (Health::Starting | Health::Ready, _) => {
                let detail = format!("it starts, process {}", entry.pid);
                report.finding(&Finding::not_run("instance", detail).of(name));
            }
        }
    }
}
