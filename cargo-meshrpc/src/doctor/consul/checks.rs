//! What the checks of instances and their sidecars say.

use std::collections::{BTreeMap, BTreeSet};

use meshrpc::mesh::consul::{
    Consul,
    agent::{AgentError, CheckView, Entry},
};
use serde::Deserialize;

use super::{Cause, Finding, Report, instance};

/// What Consul writes before the last output of a check that nobody beats for.
const EXPIRED: &str = "TTL expired";

/// Instances that have stopped to say that they live, by their stable names. What they say of their
/// sidecars is as old, and nobody starts those again.
#[derive(Debug, Default)]
pub(super) struct Silent(BTreeSet<String>);

impl Silent {
    pub(super) fn among(services: &[Entry]) -> Self {
        let silent = services.iter().filter(|entry| {
            let mut checks = entry.checks.iter();
            checks.any(|check| cause(check) == Cause::InstanceSilent)
        });
        Self(
            silent
                .map(|entry| instance(entry).name.to_string())
                .collect(),
        )
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// Says which checks do not pass, and why that is.
pub(super) fn examine<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    silent: &Silent,
    report: &mut Report,
) {
    // A node's checks are those of all its services.
    let mut said = BTreeSet::new();
    for entry in entries {
        let name = instance(entry).name;
        let wrong = entry.checks.iter();
        for check in wrong.filter(|check| check.status != "passing") {
            let detail = format!(
                "`{}` is {}: {}",
                check.name,
                check.status,
                check.output.trim()
            );
            if !said.insert((name.to_string(), detail.clone())) {
                continue;
            }
            let cause = match cause(check) {
                Cause::SidecarSilent if silent.has(&name) => Cause::InstanceSilent,
                Cause::SidecarDown if silent.has(&name) => Cause::InstanceUnreachable,
                cause => cause,
            };
            let finding = match check.status.as_str() {
                "warning" => Finding::warning("check", cause, detail),
                // Somebody wants it so; that nobody is left is said as well.
                _ if cause == Cause::Maintenance => Finding::warning("check", cause, detail),
                _ => Finding::failed("check", cause, detail),
            };
            report.finding(&finding.of(&*name));
        }
    }
}

/// Says which checks of this agent's own instances the registry has otherwise.
pub(super) async fn compare<'a>(
    consul: &Consul,
    entries: impl Iterator<Item = &'a Entry>,
    report: &mut Report,
) -> Result<(), AgentError> {
    let agent = consul.agent();
    let body = agent.raw(http::Method::GET, "agent/checks", "").await?;
    let own = match own(&body) {
        Ok(own) => own,
        Err(error) => {
            let detail = format!("what the agent says of its own checks cannot be read: {error}");
            report.finding(&Finding::failed("registry", Cause::AgentRefuses, detail));
            return Ok(());
        }
    };
    for entry in entries {
        for check in &entry.checks {
            let Some(Own { node, status }) = own.get(&check.check_id) else {
                continue;
            };
            if *node == entry.node.node && *status != check.status {
                let detail = format!(
                    "`{}` is {status} at its agent and {} in the registry",
                    check.check_id, check.status
                );
                let finding = Finding::warning("registry", Cause::CatalogDiffers, detail);
                report.finding(&finding.of(&*instance(entry).name));
            }
        }
    }
    Ok(())
}

/// A check as its agent has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Own {
    node: String,
    status: String,
}

/// The checks that an agent has, by their ids.
fn own(body: &[u8]) -> serde_json::Result<BTreeMap<String, Own>> {
    serde_json::from_slice(body)
}

/// What it means that a check does not pass, by itself.
fn cause(check: &CheckView) -> Cause {
    let id = check.check_id.as_str();
    let is_expired = check.output.starts_with(EXPIRED);
    match id.rsplit(':').next() {
        _ if check.status == "passing" => Cause::CheckFailing,
        _ if check.is_maintenance() => Cause::Maintenance,
        _ if id == "serfHealth" => Cause::NodeSilent,
        Some("ttl") if is_expired => Cause::InstanceSilent,
        Some("ttl") => Cause::InstanceUnwell,
        Some("sidecar-ttl") => Cause::SidecarSilent,
        Some("sidecar-tcp") => Cause::SidecarDown,
        _ => Cause::CheckFailing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, status: &str, output: &str) -> CheckView {
        let check = serde_json::json!({"CheckID": id, "Status": status, "Output": output});
        serde_json::from_value(check).expect("it is a check")
    }

    #[test]
    fn what_does_not_pass_is_told_apart() {
        for (id, output, expected) in [
            (
                "a-1:ttl",
                "TTL expired (last output …): serving",
                Cause::InstanceSilent,
            ),
            ("a-1:ttl", "out of memory", Cause::InstanceUnwell),
            ("a-1:sidecar-ttl", "", Cause::SidecarSilent),
            ("a-1:sidecar-tcp", "refused", Cause::SidecarDown),
            ("_service_maintenance:a-1", "drain", Cause::Maintenance),
            ("_node_maintenance", "disks", Cause::Maintenance),
            (
                "serfHealth",
                "Agent not live or unreachable",
                Cause::NodeSilent,
            ),
            ("disk", "full", Cause::CheckFailing),
        ] {
            assert_eq!(cause(&check(id, "critical", output)), expected, "{id}");
        }
    }

    #[test]
    fn what_an_agent_says_of_its_checks_is_read_or_refused() {
        let own = super::own(br#"{"a-1:ttl": {"Node": "n", "Status": "passing", "Name": "a"}}"#);
        assert_eq!(own.expect("it is well-formed")["a-1:ttl"].status, "passing");
        assert!(super::own(br#"{"a-1:ttl": {"Node": "n", "Status": 7}}"#).is_err());
        assert!(super::own(b"<html>").is_err());
    }
}
