//! `MESHRPC_MESH`: which mesh, as one URL.

use std::sync::Arc;

use super::{environment::Environment, fixed::Fixed};
use crate::{
    discovery::{Registrar, Resolver},
    error::{Code, Error, Kind},
};

/// Where servers are announced and instances found.
pub(crate) type Adapter = (Arc<dyn Registrar>, Arc<dyn Resolver>);

/// The adapters for `url`, and what was chosen, for the log.
///
/// # Errors
/// For a scheme this build does not have, parameters that it does not know, and a mesh that cannot
/// be joined.
pub(crate) fn open(url: &str, environment: &Environment) -> Result<Adapter, Error> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    match scheme {
        "local" => local(rest, environment),
        "static" => {
            let fixed = Arc::new(Fixed::parse(rest)?);
            Ok((Arc::clone(&fixed) as _, fixed))
        }
        _ => Err(wrong(format!(
            "MESHRPC_MESH: `{url}`: this build knows the meshes `local:` and `static:`"
        ))),
    }
}

#[cfg(feature = "local")]
fn local(rest: &str, environment: &Environment) -> Result<Adapter, Error> {
    use super::local::{LocalRegistry, namespace, runtime_dir};

    if !rest.is_empty() {
        return Err(wrong(format!(
            "MESHRPC_MESH: `local:` takes nothing more, not `{rest}`"
        )));
    }
    let namespace = environment.namespace.clone().unwrap_or_else(namespace);
    let directory = environment.runtime_dir.clone().unwrap_or_else(runtime_dir);
    tracing::info!(namespace, directory = %directory.display(), "joined the local mesh");
    let registry = Arc::new(LocalRegistry::open(directory, &namespace)?);
    Ok((Arc::clone(&registry) as _, registry))
}

#[cfg(not(feature = "local"))]
fn local(_: &str, _: &Environment) -> Result<Adapter, Error> {
    Err(wrong(
        "MESHRPC_MESH: `local:` needs the cargo feature `local`".to_owned(),
    ))
}

pub(super) fn wrong(message: String) -> Error {
    Error::new(Kind::Protocol, message).with_code(Code::InvalidArgument)
}
