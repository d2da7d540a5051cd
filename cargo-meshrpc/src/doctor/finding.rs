//! What was looked at, and what was found there.

use serde::Serialize;

/// One line of the report.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// What was looked at, such as `agent` or `handshake`.
    pub(super) check: &'static str,
    /// The deployment, instance or address it was looked at for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    pub(super) status: Status,
    /// What is wrong, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<Cause>,
    /// What was seen.
    pub(super) detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<&'static str>,
    /// Where more is said, within the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) docs: Option<&'static str>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Status {
    Ok,
    /// Calls pass, and something is not as it should be.
    Warning,
    /// Calls fail, or will.
    Failed,
    /// What it needs was not there.
    NotRun,
}

impl Finding {
    pub(super) fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, None, detail.into())
    }

    pub(super) fn warning(check: &'static str, cause: Cause, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Warning, Some(cause), detail.into())
    }

    pub(super) fn failed(check: &'static str, cause: Cause, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Failed, Some(cause), detail.into())
    }

    pub(super) fn not_run(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::NotRun, None, detail.into())
    }

    pub(super) fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    /// The same, of `subject`.
    pub(super) fn of(self, subject: impl Into<String>) -> Self {
        Self {
            subject: Some(subject.into()),
            ..self
        }
    }

    fn new(check: &'static str, status: Status, cause: Option<Cause>, detail: String) -> Self {
        Self {
            check,
            subject: None,
            status,
            cause,
            detail,
            fix: cause.map(Cause::fix),
            docs: cause.map(Cause::docs),
        }
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $cause:ident: $fix:literal, $docs:literal;)*) => {
        /// What is wrong. Causes may be added; what is there keeps its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub(super) enum Cause {
            $($(#[$doc])* $cause,)*
        }

        impl Cause {
            /// Every one of them.
            #[cfg(test)]
            const ALL: &[Cause] = &[$(Cause::$cause),*];

            /// What to do about it.
            fn fix(self) -> &'static str {
                match self {
                    $(Cause::$cause => $fix,)*
                }
            }

            /// Where more is said, within the repository.
            fn docs(self) -> &'static str {
                match self {
                    $(Cause::$cause => $docs,)*
                }
            }
        }
    };
}

causes! {
    /// A variable means nothing to this version.
    Environment: "correct its name, or remove it", "docs/consul.md#doctor";
    /// `MESHRPC_MESH` cannot be understood.
    MeshUrl: "correct MESHRPC_MESH, or pass --mesh", "docs/consul.md#the-url";
    /// The directory of `local:` cannot be used.
    RegistryUnusable: "the directory has to belong to this user and be closed to others; \
        MESHRPC_RUNTIME_DIR names another", "docs/consul.md#doctor";
    /// Nobody answers at the agent's address.
    AgentUnreachable: "start the agent, or correct the address in MESHRPC_MESH",
        "docs/consul.md#the-agent-is-away";
    /// The agent has as many connections as it takes.
    AgentBusy: "raise the agent's limits.http_max_conns_per_client, or find who holds its connections",
        "docs/consul.md#the-agent-is-away";
    /// The agent does not do what it is asked, or is none.
    AgentRefuses: "the detail has its words: is this a Consul agent, is Connect on, is there such a \
        datacenter?", "docs/consul.md#the-url";
    /// The agent is of a version that was never tried.
    AgentVersion: "use Consul 1.8.7 or later", "docs/consul.md#versions";
    /// The agent's cluster has no leader, or its servers cannot be reached.
    NoLeader: "look at the Consul servers: `consul operator raft list-peers`, and the agent's log",
        "docs/consul.md#the-servers-are-away";
    /// The token is missing, unknown, or lacks a right.
    TokenRefused: "give a token with service:write on this service, in the file of MESHRPC_TOKEN_FILE",
        "docs/consul.md#tokens";
    /// The agent is a community edition, and a namespace was asked for.
    NamespaceUnsupported: "leave `ns=` out of the URL: namespaces need Consul Enterprise",
        "docs/consul.md#the-url";
    /// Nobody registered the deployment.
    NotRegistered: "start an instance, and compare the name and the registry it says it uses in its log",
        "docs/consul.md#nobody-is-registered";
    /// Instances are registered, and none is healthy.
    NoHealthyInstance: "the lines of its instances say why", "docs/consul.md#nobody-is-healthy";
    /// An instance was taken out by hand, or drains.
    Maintenance: "wait for its end, or `consul maint -disable`", "docs/consul.md#maintenance";
    /// An instance no longer says that it lives.
    InstanceSilent: "the process is gone, frozen or too busy: look at it, and restart it",
        "docs/consul.md#an-instance-is-silent";
    /// An instance says that it is not well.
    InstanceUnwell: "the program itself says so: look at its log", "docs/consul.md#nobody-is-healthy";
    /// The agent of an instance's machine does not answer other agents.
    NodeSilent: "look at that machine, its agent, and the network between",
        "docs/consul.md#an-instance-is-silent";
    /// A check fails that is none of meshrpc's.
    CheckFailing: "somebody added it to the registration: what it says has the reason",
        "docs/consul.md#nobody-is-healthy";
    /// Instances have no sidecars, and calls would pass through these.
    SidecarMissing: "start the instances with the callers' `via=`, or call them with via=plain",
        "docs/consul.md#ways-to-travel";
    /// An instance says that its sidecar does not answer.
    SidecarSilent: "the sidecar hangs or starts: look at its output in the instance's log",
        "docs/consul.md#a-sidecar-is-down";
    /// Nobody listens on a sidecar's port.
    SidecarDown: "the process beside it starts it again within seconds; if it does not, its log says why",
        "docs/consul.md#a-sidecar-is-down";
    /// A sidecar accepts, and does not answer.
    SidecarFrozen: "kill the sidecar: its supervisor starts another", "docs/consul.md#a-sidecar-is-down";
    /// A sidecar has a certificate that is over, or that nobody here trusts.
    CertificateRefused: "compare the clocks and the trust domain; a sidecar whose agent lost its state \
        needs the agent back", "docs/consul.md#certificates";
    /// No client on this agent has an upstream to the deployment.
    UpstreamMissing: "start the caller with this MESHRPC_MESH, or use via=instance",
        "docs/consul.md#ways-to-travel";
    /// A client's sidecar accepts, and what is beyond it does not answer.
    PathBroken: "the lines of instances and sidecars say which is down; callers pass it by once the \
        registry knows", "docs/consul.md#a-sidecar-is-down";
    /// Nobody listens on a client's upstream port.
    UpstreamDown: "the client's sidecar is down or starts: look at its output in the client's log",
        "docs/consul.md#a-sidecar-is-down";
    /// An intention forbids the call.
    Denied: "allow it: `consul intention create CALLER DEPLOYMENT`", "docs/consul.md#intentions";
    /// Nobody answers at an instance's address.
    InstanceUnreachable: "the process is gone, or its address is wrong: the registration of one that is \
        gone goes by itself within two minutes", "docs/consul.md#an-instance-is-silent";
    /// Who answers has no shared key in common with this process.
    KeyRefused: "give the callee's key, in the file of MESHRPC_KEY_FILE", "docs/security.md#shared-keys";
    /// Somebody answers, and not as a meshrpc server that takes this client.
    HandshakeFailed: "the detail says what it did: is it a meshrpc server, of a version that this one \
        speaks with?", "docs/consul.md#doctor";
    /// Another answers than was registered there.
    WrongInstance: "another process took the port of a registration that is stale: deregister its id",
        "docs/consul.md#a-stale-registration";
    /// The registry and the agent differ about an instance's health.
    CatalogDiffers: "the agent's next full sync repairs it, within two minutes; instances repair their own",
        "docs/consul.md#lost-status";
    /// The clocks of this machine and the agent's differ.
    ClockSkew: "synchronise the clocks: certificates and deadlines go by them", "docs/consul.md#clocks";
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fs, path::Path};

    use super::*;

    /// The anchors of a Markdown file, as its headings make them.
    fn anchors(file: &str) -> HashSet<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let headings = text.lines().filter(|line| line.starts_with('#'));
        let anchor = |heading: &str| {
            let words = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter_map(|char| match char {
                ' ' => Some('-'),
                char if char.is_alphanumeric() || char == '-' => Some(char),
                _ => None,
            });
            kept.collect()
        };
        headings.map(anchor).collect()
    }

    #[test]
    fn every_cause_has_a_place_in_the_guide() {
        for cause in Cause::ALL {
            let (file, anchor) = cause.docs().split_once('#').expect("it names a heading");
            assert!(
                anchors(file).contains(anchor),
                "{cause:?}: {}",
                cause.docs()
            );
        }
    }
}
