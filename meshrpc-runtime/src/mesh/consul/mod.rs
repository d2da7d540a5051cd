//! `consul:`: services that a Consul agent knows, and the proxies beside them.
//!
//! # Layout
//! - `url`: what a mesh URL says
//! - [`agent`]: the HTTP interface of an agent
//! - `token`: the token for it, in a file

pub mod agent;
mod placeholder;
mod sidecar;
mod token;
mod url;

use std::sync::Arc;

use tokio::sync::watch;

pub use sidecar::sidecar_answers;
pub use url::{Options, Proxy, Route};

use self::agent::Agent;
use super::Environment;
use crate::{
    discovery::{Advert, Advertisement, BoxFuture, Endpoints, Registrar, Resolver},
    error::{Code, Error, Kind},
};

/// Services that a Consul agent knows.
///
/// Clones are one and the same, and so are all that are opened in one process with the same
/// options: they share watches, connections and, where there is one, the sidecar of this process.
/// The last one that is dropped ends them.
#[derive(Clone, Debug)]
pub struct Consul {
    shared: Arc<Shared>,
}

/// What clones have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    options: Options,
    agent: Agent,
}

impl Consul {
    /// Reads the mesh URL `url`; the token's file is named by `environment`.
    ///
    /// # Errors
    /// If the URL cannot be understood, or a file that it names cannot be used.
    pub fn open(url: &str, environment: &Environment) -> Result<Consul, Error> {
        let options = Options::parse(url, environment)?;
        let agent = Agent::new(&options)?;
        let shared = Arc::new(Shared { options, agent });
        Ok(Consul { shared })
    }

    /// What the URL says.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// The agent.
    pub fn agent(&self) -> &Agent {
        &self.shared.agent
    }
}

impl Registrar for Consul {
    fn advertise(
        &self,
        advertisement: Advertisement,
    ) -> BoxFuture<'_, Result<Box<dyn Advert>, Error>> {
        let deployment = advertisement.deployment;
        let message = format!("`{deployment}`: this version cannot register with Consul");
        let error = Error::new(Kind::Unavailable, message).with_code(Code::Unimplemented);
        Box::pin(async move { Err(error) })
    }
}

impl Resolver for Consul {
    fn watch(&self, deployment: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        let message = format!("`{deployment}`: this version cannot ask Consul for instances");
        Err(Error::new(Kind::Unavailable, message).with_code(Code::Unimplemented))
    }
}
