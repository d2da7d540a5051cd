//! `MESHRPC_MESH`: one URL chooses the adapter.

use std::{fmt, sync::Arc};

use super::{Environment, fixed::Fixed, name::invalid};
use crate::{
    client::{Connect, Dialer},
    discovery::{BoxFuture, Registrar, Resolver},
    error::Error,
};

#[cfg(feature = "tls")]
use super::tls::TlsOptions;
#[cfg(feature = "tls")]
use crate::{client::TlsDialer, transport::tls::ServerTls};

/// What a mesh is made of.
pub(crate) struct Adapter {
    pub(crate) registrar: Arc<dyn Registrar>,
    pub(crate) resolver: Arc<dyn Resolver>,
    /// Dials what the resolver finds.
    pub(crate) connect: Arc<dyn Connect>,
    /// What has to come to a good end before there is a mesh.
    pub(crate) joining: Option<BoxFuture<'static, Result<(), Error>>>,
    /// For servers that have none of their own.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<ServerTls>,
    #[cfg(feature = "consul")]
    pub(crate) consul: Option<super::consul::Consul>,
}

impl Adapter {
    /// An adapter whose instances are dialled as they are listed.
    fn direct(registry: Arc<impl Registrar + Resolver + 'static>) -> Self {
        Self {
            registrar: registry.clone(),
            resolver: registry,
            connect: Arc::new(Dialer),
            joining: None,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "consul")]
            consul: None,
        }
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter")
            .field("registrar", &self.registrar)
            .field("resolver", &self.resolver)
            .finish_non_exhaustive()
    }
}

/// Opens the adapter that `url` names and logs what was chosen.
///
/// # Errors
/// If the URL means nothing to this build, or the adapter cannot be opened.
pub(crate) fn open(url: &str, environment: &Environment) -> Result<Adapter, Error> {
    for variable in environment.unknown() {
        tracing::warn!(%variable, "this version of meshrpc does not read this variable");
    }
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(invalid(format!(
            "the mesh URL `{url}` has no scheme: expected `local:`, `static:…` or `consul://…`"
        )));
    };
    match scheme {
        "local" => open_local(url, rest, environment),
        "static" => {
            let fixed = Arc::new(Fixed::parse(rest)?);
            tracing::info!(mesh = url, "mesh opened");
            Ok(Adapter::direct(fixed))
        }
        "static+tls" => open_static_tls(url, rest),
        "consul" | "consul+tls" | "consul+unix" => open_consul(url, environment),
        "dns" => Err(invalid(format!(
            "the mesh URL `{url}` needs `{scheme}:`, which is not built in this version"
        ))),
        "in-process" => Err(invalid(
            "an in-process mesh is a value in a program and has no URL: share the value".to_owned(),
        )),
        _ => Err(invalid(format!(
            "the mesh URL `{url}` has an unknown scheme: expected `local:`, `static:…` or `consul://…`"
        ))),
    }
}

#[cfg(feature = "tls")]
fn open_static_tls(url: &str, rest: &str) -> Result<Adapter, Error> {
    let (list, query) = rest.split_once('?').unwrap_or((rest, ""));
    let options = TlsOptions::parse(query)?;
    let direct = Adapter::direct(Arc::new(Fixed::parse(list)?));
    let connect = TlsDialer::new(&options.client()?, direct.connect)?;
    tracing::info!(mesh = url, "mesh opened");
    Ok(Adapter {
        connect: Arc::new(connect),
        tls: options.server(),
        ..direct
    })
}

#[cfg(not(feature = "tls"))]
fn open_static_tls(url: &str, _rest: &str) -> Result<Adapter, Error> {
    Err(invalid(format!(
        "the mesh URL `{url}` needs the feature `tls`, which is not built in"
    )))
}

#[cfg(feature = "local")]
fn open_local(url: &str, rest: &str, environment: &Environment) -> Result<Adapter, Error> {
    if !rest.is_empty() {
        return Err(invalid(format!(
            "the mesh URL `{url}` goes on after `local:`, which takes no parameters"
        )));
    }
    let registry = super::local::Registry::open(environment)?;
    tracing::info!(
        mesh = url,
        namespace = %registry.namespace(),
        directory = %registry.runtime_dir(),
        "mesh opened"
    );
    Ok(Adapter::direct(Arc::new(registry)))
}

#[cfg(not(feature = "local"))]
fn open_local(url: &str, _rest: &str, _environment: &Environment) -> Result<Adapter, Error> {
    Err(invalid(format!(
        "the mesh URL `{url}` needs the feature `local`, which is not built in"
    )))
}

#[cfg(feature = "consul")]
fn open_consul(url: &str, environment: &Environment) -> Result<Adapter, Error> {
    let consul = super::consul::Consul::open(url, environment)?;
    tracing::info!(mesh = url, options = ?consul.options(), "mesh opened");
    let joined = consul.clone();
    Ok(Adapter {
        joining: Some(Box::pin(async move { joined.join().await })),
        consul: Some(consul.clone()),
        connect: consul.dialer(),
        ..Adapter::direct(Arc::new(consul))
    })
}

#[cfg(not(feature = "consul"))]
fn open_consul(url: &str, _environment: &Environment) -> Result<Adapter, Error> {
    Err(invalid(format!(
        "the mesh URL `{url}` needs the feature `consul`, which is not built in"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        open(url, &Environment::default())
            .map(drop)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_this_version_lacks_is_named() {
        #[cfg(not(feature = "consul"))]
        assert!(refusal("consul://127.0.0.1:8500").contains("feature `consul`"));
        assert!(refusal("dns:").contains("`dns:`, which is not built"));
    }

    #[test]
    fn unknown_parameters_are_refused() {
        assert!(refusal("local:?namespace=x").contains("takes no parameters"));
        assert!(refusal("local://host").contains("takes no parameters"));
    }

    #[test]
    fn what_is_no_mesh_is_refused() {
        assert!(refusal("local").contains("has no scheme"));
        assert!(refusal("http://x").contains("unknown scheme"));
        assert!(refusal("in-process:").contains("has no URL"));
    }
}
