//! What an agent answers, from its JSON. What is missing or `null` is empty: agents leave out what
//! they do not have, and versions differ in what that is.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{discovery::Instance, mesh::name};

/// Stable name of an instance, in its Meta.
const INSTANCE: &str = "meshrpc-instance";
/// Epoch of its boot, in decimal digits.
const EPOCH: &str = "meshrpc-epoch";

/// Which agent this is.
#[derive(Clone, Debug, Deserialize)]
pub struct About {
    /// Its own configuration.
    #[serde(rename = "Config")]
    config: AboutConfig,
    #[serde(rename = "DebugConfig", default, deserialize_with = "or_default")]
    debug: AboutDebug,
    #[serde(rename = "xDS", default, deserialize_with = "or_default")]
    xds: AboutXds,
    #[serde(rename = "Member", default, deserialize_with = "or_default")]
    member: AboutMember,
}

#[derive(Clone, Debug, Deserialize)]
struct AboutConfig {
    #[serde(rename = "Version")]
    version: String,
    #[serde(rename = "Datacenter")]
    datacenter: String,
    #[serde(rename = "NodeName", default)]
    node: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct AboutDebug {
    #[serde(rename = "GRPCPort", default)]
    grpc_port: Option<i64>,
    #[serde(rename = "GRPCTLSPort", default)]
    grpc_tls_port: Option<i64>,
    #[serde(rename = "ConnectEnabled", default)]
    connect: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct AboutMember {
    #[serde(rename = "Addr", default)]
    address: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct AboutXds {
    #[serde(rename = "SupportedProxies", default, deserialize_with = "or_default")]
    proxies: BTreeMap<String, Vec<String>>,
}

impl About {
    /// Version, such as `1.22.0`.
    pub fn version(&self) -> &str {
        &self.config.version
    }

    /// Datacenter.
    pub fn datacenter(&self) -> &str {
        &self.config.datacenter
    }

    /// Major and minor number of the version.
    pub fn release(&self) -> Option<(u32, u32)> {
        release(self.version())
    }

    /// Name of the agent's node.
    pub fn node(&self) -> &str {
        &self.config.node
    }

    /// Address that other agents reach it at, if it says so.
    pub fn address(&self) -> Option<&str> {
        Some(self.member.address.as_str()).filter(|address| !address.is_empty())
    }

    /// Port that proxies are told their configuration at, if it is open without TLS.
    pub fn grpc_port(&self) -> Option<u16> {
        open(self.debug.grpc_port)
    }

    /// The same with TLS.
    pub fn grpc_tls_port(&self) -> Option<u16> {
        open(self.debug.grpc_tls_port)
    }

    /// Whether Connect is on, if the agent says so.
    pub fn connect_enabled(&self) -> Option<bool> {
        self.debug.connect
    }

    /// Versions of Envoy that the agent supports; none if it does not say.
    pub fn envoy_versions(&self) -> &[String] {
        self.xds.proxies.get("envoy").map_or(&[], Vec::as_slice)
    }
}

/// One instance in a list, with its node and checks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Entry {
    /// Where it runs.
    #[serde(deserialize_with = "or_default")]
    pub node: NodeView,
    /// The service, or its sidecar.
    #[serde(deserialize_with = "or_default")]
    pub service: ServiceView,
    /// Checks of the service and of its node.
    #[serde(deserialize_with = "or_default")]
    pub checks: Vec<CheckView>,
}

impl Entry {
    /// Where it is: its own address, or else that of its node.
    pub fn host(&self) -> &str {
        match self.service.address.as_str() {
            "" => &self.node.address,
            address => address,
        }
    }

    /// Whether somebody took it, or its node, out of the lists for a time.
    pub fn is_in_maintenance(&self) -> bool {
        self.checks.iter().any(CheckView::is_maintenance)
    }
}

/// The node of an instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeView {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub node: String,
    /// Its address, which is that of its services that have none.
    #[serde(deserialize_with = "or_default")]
    pub address: String,
    /// Its datacenter.
    #[serde(deserialize_with = "or_default")]
    pub datacenter: String,
    /// What is noted of it.
    #[serde(deserialize_with = "or_default")]
    pub meta: BTreeMap<String, String>,
}

/// A registered service, or a sidecar.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceView {
    /// `connect-proxy` for a sidecar, empty for an ordinary service.
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    /// Its id, unique on the node.
    #[serde(rename = "ID", deserialize_with = "or_default")]
    pub id: String,
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub service: String,
    /// Tags.
    #[serde(deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// Its address; empty where it is the node's.
    #[serde(deserialize_with = "or_default")]
    pub address: String,
    /// Its port. An agent takes numbers that are no ports.
    #[serde(deserialize_with = "or_default")]
    pub port: i64,
    /// The path of its Unix socket, which it has instead of address and port.
    #[serde(deserialize_with = "or_default")]
    pub socket_path: String,
    /// What is noted of it.
    #[serde(deserialize_with = "or_default")]
    pub meta: BTreeMap<String, String>,
    /// Its share of calls.
    #[serde(deserialize_with = "or_default")]
    pub weights: Option<Weights>,
    /// What a sidecar stands for.
    #[serde(deserialize_with = "or_default")]
    pub proxy: ProxyView,
    /// Tells two states of the registration apart; only where one service was asked for.
    #[serde(deserialize_with = "or_default")]
    pub content_hash: String,
}

impl ServiceView {
    /// The stable name and epoch that this crate registered it, or the service it stands beside,
    /// with; `None` if somebody else did.
    pub fn instance(&self) -> Option<Instance> {
        let name = self.meta.get(INSTANCE)?;
        name::check("", name).ok()?;
        let epoch = self.meta.get(EPOCH)?.parse().ok()?;
        Some(Instance {
            name: name.as_str().into(),
            epoch,
        })
    }

    /// The id of the service that it stands beside, if it is a sidecar, or else its own.
    pub fn subject_id(&self) -> &str {
        match self.proxy.destination_service_id.as_str() {
            "" => &self.id,
            id => id,
        }
    }
}

/// What a sidecar stands for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ProxyView {
    /// Name of the service.
    #[serde(deserialize_with = "or_default")]
    pub destination_service_name: String,
    /// Its id.
    #[serde(rename = "DestinationServiceID", deserialize_with = "or_default")]
    pub destination_service_id: String,
    /// What it listens for on behalf of the service.
    #[serde(deserialize_with = "or_default")]
    pub upstreams: Vec<serde_json::Value>,
}

/// Share of calls by status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Weights {
    /// While its checks pass.
    pub passing: i64,
    /// While one warns.
    pub warning: i64,
}

/// A check.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CheckView {
    /// Its id, unique on the node.
    #[serde(rename = "CheckID", deserialize_with = "or_default")]
    pub check_id: String,
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// `passing`, `warning`, `critical`, `maintenance`.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// What it last said.
    #[serde(deserialize_with = "or_default")]
    pub output: String,
    /// Id of the service it belongs to; empty for one of the node.
    #[serde(rename = "ServiceID", deserialize_with = "or_default")]
    pub service_id: String,
}

impl CheckView {
    /// Whether it is there because somebody took the service, or its node, out of the lists.
    pub fn is_maintenance(&self) -> bool {
        let id = self.check_id.as_str();
        id.starts_with("_service_maintenance:") || id == "_node_maintenance"
    }
}

/// A status that a TTL check is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// All is well.
    Passing,
    /// It is listed, and something is wrong with it.
    Warning,
    /// It is not listed among those that can be called.
    Critical,
}

/// Certificates that the mesh trusts.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Roots {
    /// Id of the root that signs now.
    #[serde(rename = "ActiveRootID", default)]
    pub active: String,
    /// Trust domain, such as `<uuid>.consul`.
    pub trust_domain: String,
    /// All of them.
    #[serde(default, deserialize_with = "or_default")]
    pub roots: Vec<Root>,
}

/// A certificate that the mesh trusts.
#[derive(Clone, Debug, Deserialize)]
pub struct Root {
    /// Id.
    #[serde(rename = "ID", default)]
    pub id: String,
    /// PEM.
    #[serde(rename = "RootCert")]
    pub certificate: String,
    /// Whether it signs now.
    #[serde(rename = "Active", default)]
    pub active: bool,
}

/// A mesh certificate with its key.
#[derive(Clone, Deserialize)]
pub struct Leaf {
    /// Serial number, as `authorize` wants it.
    #[serde(rename = "SerialNumber", default)]
    pub serial: String,
    /// PEM of the certificate, followed by those between it and a root.
    #[serde(rename = "CertPEM")]
    pub chain: String,
    /// PEM of the private key.
    #[serde(rename = "PrivateKeyPEM")]
    pub key: String,
    /// Name of the service.
    #[serde(rename = "Service", default)]
    pub service: String,
    /// The service as a SPIFFE URI.
    #[serde(rename = "ServiceURI", default)]
    pub uri: String,
    /// Begin of its time, RFC 3339.
    #[serde(rename = "ValidAfter", default)]
    pub valid_after: String,
    /// End of its time, RFC 3339.
    #[serde(rename = "ValidBefore", default)]
    pub valid_before: String,
}

/// Whether a certificate's owner may connect.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Authorization {
    /// It may.
    pub authorized: bool,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leaf")
            .field("uri", &self.uri)
            .field("serial", &self.serial)
            .field("valid_before", &self.valid_before)
            .finish_non_exhaustive()
    }
}

/// A port, unless it is closed.
fn open(port: Option<i64>) -> Option<u16> {
    let port = u16::try_from(port?).ok()?;
    (port != 0).then_some(port)
}

/// Major and minor number of a version as Consul writes it, `1.22.0` or `v1.8.7+dfsg1`.
pub fn release(version: &str) -> Option<(u32, u32)> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let mut numbers = version.split(['.', '-', '+']);
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_from_whatever_names_it() {
        for version in ["1.22.0", "v1.22.0", "1.22.0-dev", "1.22+ent", "1.22"] {
            assert_eq!(release(version), Some((1, 22)), "{version}");
        }
        for version in ["", "Consul", "1", "v", "1.x"] {
            assert_eq!(release(version), None, "{version}");
        }
    }
}
