//! What all registrations of a mesh have in common.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use tokio::sync::OnceCell;

use super::{Ports, Registered, Template, name::directory};
use crate::{
    error::Error,
    mesh::{
        Environment,
        consul::{
            Options, Route,
            agent::{Agent, AgentError},
            sidecar::{Access, Hooks, Proxy},
        },
    },
};

/// Where agents listen for Envoy unless they say otherwise.
const GRPC: u16 = 8502;

#[derive(Debug)]
pub(crate) struct Setting {
    /// It is asked about its own datacenter, since that is where it registers.
    pub(crate) agent: Agent,
    /// Where those are that this process calls, unless it is there.
    pub(crate) datacenter: Option<String>,
    /// Told what happens to sidecars.
    pub(crate) hooks: Hooks,
    pub(crate) server: Template,
    pub(crate) client: Template,
    /// None: there are no sidecars.
    pub(crate) proxy: Option<Proxy>,
    /// Without what only the agent knows.
    pub(crate) access: Access,
    /// Address that others reach this machine at, if it is given.
    pub(crate) address: Option<String>,
    /// Ports of sidecars.
    pub(crate) ports: Ports,
    environment: Environment,
    /// Tells the registry from others.
    registry: String,
    /// What this process has registered.
    pub(crate) registered: Registered,
    facts: OnceCell<Facts>,
}

/// What the agent says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Where others reach its node.
    pub(crate) address: Option<String>,
    grpc_port: Option<u16>,
    grpc_tls_port: Option<u16>,
}

impl Setting {
    /// What a mesh URL says, for the mesh of `agent`.
    pub(crate) fn new(agent: &Agent, options: &Options, environment: &Environment) -> Self {
        let sidecars = &options.sidecars;
        let tls = options.tls.as_ref();
        let access = Access {
            consul: sidecars.consul.clone(),
            ca_file: tls.map(|tls| tls.ca.clone()),
            identity: tls.and_then(|tls| tls.client.clone()),
            server_name: tls.and_then(|tls| tls.server_name.clone()),
            namespace: options.namespace.clone(),
            ..Access::default()
        };
        Self {
            agent: agent.at_home(),
            datacenter: options.datacenter.clone(),
            environment: environment.clone(),
            registry: options.registry(),
            hooks: Hooks::default(),
            server: sidecars.template.clone().unwrap_or_else(Template::server),
            client: Template::client(),
            proxy: (options.route != Route::Plain).then(|| sidecars.proxy.clone()),
            access,
            address: sidecars.address.clone(),
            ports: sidecars.ports.clone(),
            registered: Registered::default(),
            facts: OnceCell::new(),
        }
    }

    /// Where the stable names are that are taken on this machine.
    ///
    /// # Errors
    /// If there is no directory for this user alone.
    pub(super) fn slots(&self) -> Result<PathBuf, Error> {
        directory(&self.environment, &self.registry)
    }

    /// Asked once. A token that suffices for everything else may not suffice for this, which then is
    /// done without.
    ///
    /// # Errors
    /// As the agent says.
    pub(crate) async fn facts(&self) -> Result<&Facts, AgentError> {
        let ask = || async {
            match self.agent.about().await {
                Ok(about) => Ok(Facts {
                    address: about.address().map(str::to_owned),
                    grpc_port: about.grpc_port(),
                    grpc_tls_port: about.grpc_tls_port(),
                }),
                Err(error) if error.is_denied() => Ok(Facts::default()),
                Err(error) => Err(error),
            }
        };
        self.facts.get_or_try_init(ask).await
    }

    /// Whether a server's sidecar finds it on a Unix socket. Consul's built-in proxy does not, nor
    /// do agents before 1.10 know of it; what a user registers or runs may not.
    pub(crate) async fn takes_sockets(&self) -> bool {
        let finds = matches!(self.proxy, Some(Proxy::Envoy(_)));
        let told = self.server == Template::server();
        finds && told && self.agent.takes_sockets().await.unwrap_or(false)
    }

    /// Where others reach services of this process; `None` leaves it to the agent's node.
    pub(crate) fn address(&self, facts: &Facts) -> Option<String> {
        self.address.clone().or_else(|| facts.address.clone())
    }

    /// What the command of a sidecar needs, with the token as it is now.
    pub(crate) fn access(&self, facts: &Facts) -> Access {
        let mut access = self.access.clone();
        access.http = self.agent.variable();
        let host = self.agent.host();
        access.grpc = match (facts.grpc_port, facts.grpc_tls_port) {
            (None, Some(port)) => format!("https://{host}:{port}"),
            (port, _) => format!("{host}:{}", port.unwrap_or(GRPC)),
        };
        access.token = self.agent.token();
        access
    }
}

/// Where on this machine a proxy is found that listens at `address`.
pub(crate) fn nearby(address: Option<&str>) -> IpAddr {
    match address.and_then(|address| address.parse::<IpAddr>().ok()) {
        Some(ip) if !ip.is_unspecified() => ip,
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}
