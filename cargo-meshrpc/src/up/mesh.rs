//! The mesh that the services meet on, and who is ready there.

use std::{collections::BTreeSet, env, net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail};
use meshrpc::{
    block_on,
    discovery::Health,
    mesh::{
        Environment,
        consul::{
            Consul, Route,
            agent::{AgentError, Lookup, Trouble},
        },
        local::{Registry, namespace_of_workspace},
    },
};

use super::plan::Plan;

/// Where the services meet.
pub(super) enum Mesh {
    Local { registry: Registry },
    Consul { url: String, consul: Consul },
}

/// The agent of `--mesh consul`.
const AGENT: &str = "consul://127.0.0.1:8500";

impl Mesh {
    /// The mesh that `given` names, or else the environment.
    ///
    /// # Errors
    /// If it is none that services can be started on, or it cannot be used.
    pub(super) fn open(given: Option<&str>, plan: &Plan) -> anyhow::Result<Mesh> {
        let environment = Environment::read()?;
        let url = given.unwrap_or(environment.mesh().value);
        match url {
            "local" | "local:" => Ok(Mesh::Local {
                registry: Registry::open(&in_namespace(plan)?)?,
            }),
            "consul" => Self::consul(AGENT, &environment),
            _ if url.starts_with("consul") => Self::consul(url, &environment),
            _ => bail!("`up` runs services on `local:` or `consul:`, and the mesh is `{url}`"),
        }
    }

    fn consul(url: &str, environment: &Environment) -> anyhow::Result<Mesh> {
        let consul = Consul::open(url, environment)?;
        let url = url.to_owned();
        Ok(Mesh::Consul { url, consul })
    }

    /// Where an agent is missing that can be started: nobody answers, on this machine.
    ///
    /// # Errors
    /// If there is an agent that cannot be used.
    pub(super) fn missing_agent(&self) -> anyhow::Result<Option<SocketAddr>> {
        let Mesh::Consul { consul, .. } = self else {
            return Ok(None);
        };
        let agent = consul.agent();
        match block_on(agent.leader()) {
            Ok(_) => Ok(None),
            Err(error) if matches!(error.trouble(), Trouble::NoLeader { .. }) => Ok(None),
            Err(error) => match (error.trouble(), agent.address().parse::<SocketAddr>()) {
                (Trouble::Unreachable { .. }, Ok(address)) if address.ip().is_loopback() => {
                    Ok(Some(address))
                }
                _ => Err(error).context(
                    "`up` starts an agent only on this machine, at an address with a port",
                ),
            },
        }
    }

    /// Whether the agent, if there is one, has servers that answer.
    pub(super) fn is_up(&self) -> bool {
        match self {
            Mesh::Local { .. } => true,
            Mesh::Consul { consul, .. } => {
                block_on(consul.agent().leader()).is_ok_and(|leader| leader.is_some())
            }
        }
    }

    /// What the services are told of it.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        match self {
            Mesh::Local { registry } => vec![
                ("MESHRPC_MESH".to_owned(), "local:".to_owned()),
                (
                    "MESHRPC_NAMESPACE".to_owned(),
                    registry.namespace().value.to_owned(),
                ),
            ],
            Mesh::Consul { url, .. } => vec![("MESHRPC_MESH".to_owned(), url.clone())],
        }
    }

    /// Names and addresses of the instances that can be called.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub(super) fn ready(&self) -> anyhow::Result<Vec<(String, String)>> {
        match self {
            Mesh::Local { registry } => Ok(announced(registry)?),
            Mesh::Consul { consul, .. } => Ok(block_on(callable(consul))?),
        }
    }
}

/// The environment of `up`, with the namespace of the workspace unless another is given.
fn in_namespace(plan: &Plan) -> anyhow::Result<Environment> {
    let given = env::var("MESHRPC_NAMESPACE").ok();
    let namespace = match given.filter(|given| !given.is_empty()) {
        Some(given) => given,
        None => namespace_of_workspace(&plan.root)?,
    };
    let namespace = ("MESHRPC_NAMESPACE".into(), namespace.into());
    let variables = env::vars_os().filter(|(name, _)| name != "MESHRPC_NAMESPACE");
    Ok(Environment::from_vars(variables.chain([namespace]))?)
}

fn announced(registry: &Registry) -> Result<Vec<(String, String)>, meshrpc::Error> {
    let mut ready = Vec::new();
    for deployment in registry.deployments()? {
        for entry in registry.list(&deployment)? {
            if entry.health == Health::Ready
                && let Some(address) = entry.address
            {
                ready.push((entry.instance.name.to_string(), address.to_string()));
            }
        }
    }
    Ok(ready)
}

async fn callable(consul: &Consul) -> Result<Vec<(String, String)>, AgentError> {
    let agent = consul.agent();
    let own = agent.services().await?;
    let deployments: BTreeSet<String> = own
        .into_values()
        .filter(|service| service.kind.is_empty() && service.instance().is_some())
        .map(|service| service.service)
        .collect();
    let mut ready = Vec::new();
    for service in deployments {
        let lookup = Lookup {
            service,
            connect: consul.options().route() != Route::Plain,
            passing: true,
        };
        for entry in agent.instances(&lookup, 0, Duration::ZERO).await?.value {
            if let Some(instance) = entry.service.instance() {
                let place = format!("{}:{}", entry.host(), entry.service.port);
                ready.push((instance.name.to_string(), place));
            }
        }
    }
    Ok(ready)
}
