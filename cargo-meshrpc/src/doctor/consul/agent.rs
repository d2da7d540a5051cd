//! Whether the agent can be asked at all.

use std::time::{Duration, SystemTime};

use meshrpc::mesh::consul::{
    Consul,
    agent::{About, AgentError, Right, Trouble},
};

use super::{Cause, Finding, Report};

/// Clocks that differ by more are worth a warning: TLS allows no less, and deadlines are shorter.
const SKEW: Duration = Duration::from_secs(5);

/// Asks for what is needed to go on; says whether it is there.
pub(super) async fn examine(consul: &Consul, deployments: &[String], report: &mut Report) -> bool {
    let agent = consul.agent();
    let leader = agent.leader().await;
    match &leader {
        Err(error) => {
            report.finding(&trouble("agent", error));
            if !matches!(error.trouble(), Trouble::NoLeader { .. }) {
                return false;
            }
        }
        Ok(leader) => {
            report.finding(&Finding::ok(
                "agent",
                format!("{} answers", agent.address()),
            ));
            report.finding(&match leader {
                Some(leader) => Finding::ok("leader", format!("its servers are led by {leader}")),
                None => Finding::failed("leader", Cause::NoLeader, "its servers have no leader"),
            });
        }
    }
    report.finding(&match agent.about().await {
        Ok(about) => version(&about),
        // Calls do without it, and so do most tokens.
        Err(error) if error.is_denied() => Finding::not_run(
            "version",
            "the token does not allow to ask: it lacks agent:read",
        ),
        Err(error) => {
            report.finding(&trouble("version", &error));
            return false;
        }
    });
    let rights: Vec<Right<'_>> = deployments
        .iter()
        .map(|deployment| Right::read_service(deployment))
        .chain([Right::read_nodes()])
        .collect();
    let granted = agent.require(&rights).await;
    report.finding(&match &granted {
        Ok(()) => Finding::ok("token", "it may read what calls need"),
        Err(error) => trouble("token", error),
    });
    report.finding(&clock(consul).await);
    // What a token may not read is listed as if it were not there.
    !granted.is_err_and(|error| error.is_denied())
}

/// A request that the agent did not answer as it should.
pub(super) fn trouble(check: &'static str, error: &AgentError) -> Finding {
    let cause = match error.trouble() {
        Trouble::Denied { .. } => Cause::TokenRefused,
        Trouble::NoLeader { .. } => Cause::NoLeader,
        Trouble::Busy { .. } => Cause::AgentBusy,
        Trouble::Unsupported { text } if text.contains("Enterprise") => Cause::NamespaceUnsupported,
        Trouble::Unreachable { .. } | Trouble::TimedOut { .. } => Cause::AgentUnreachable,
        _ => Cause::AgentRefuses,
    };
    Finding::failed(check, cause, error.to_string())
}

fn version(about: &About) -> Finding {
    let version = about.version();
    let detail = format!(
        "Consul {version}, node {}, datacenter {}",
        about.node(),
        about.datacenter()
    );
    match about.release() >= Some((1, 8)) {
        true => Finding::ok("version", detail),
        false => Finding::warning("version", Cause::AgentVersion, detail),
    }
}

async fn clock(consul: &Consul) -> Finding {
    let date = match consul.agent().date().await {
        Ok(Some(date)) => date,
        Ok(None) => return Finding::not_run("clock", "the agent's answer has no date"),
        Err(error) => return trouble("clock", &error),
    };
    compared(SystemTime::now(), date)
}

/// What it means that it is `now` here, and `date` at the agent.
fn compared(now: SystemTime, date: SystemTime) -> Finding {
    let apart = now
        .duration_since(date)
        .unwrap_or_else(|error| error.duration());
    let detail = format!("{} s apart from the agent's", apart.as_secs());
    match apart > SKEW {
        true => Finding::failed("clock", Cause::ClockSkew, detail),
        false => Finding::ok("clock", detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_a_little_early_or_late() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (apart, expected) in [(0, None), (4, None), (60, Some(Cause::ClockSkew))] {
            let apart = Duration::from_secs(apart);
            for date in [now - apart, now + apart] {
                assert_eq!(compared(now, date).cause, expected, "{apart:?}");
            }
        }
    }
}
