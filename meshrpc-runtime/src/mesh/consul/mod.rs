//! `consul:`: services that a Consul agent knows, and the proxies beside them.
//!
//! # Layout
//! - `url`: what a mesh URL says
//! - `token`: the token for the agent, in a file
//! - [`agent`]: the HTTP interface of an agent
//! - `join`: what has to be true before there is a mesh
//! - `watch`: the lists of instances, followed
//! - `listing`: entries of these lists as endpoints
//! - `resolve`: endpoints by the route that calls take, and why nobody answers there
//! - `leaf`: certificates of this process, and sidecars that are dialled with them
//! - `placeholder`, `sidecar`: proxies beside services, started and watched

pub mod agent;
mod join;
mod leaf;
mod listing;
mod placeholder;
mod resolve;
mod sidecar;
mod token;
mod url;
mod watch;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::watch::Receiver;

pub use sidecar::sidecar_answers;
pub use url::{Options, Proxy, Route};

use self::{agent::Agent, leaf::Certificates, watch::Watches};
use super::Environment;
use crate::{
    discovery::{Address, Advert, Advertisement, BoxFuture, Registrar},
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
    watches: Watches,
    certificates: Certificates,
    /// None where calls do not go through a sidecar of this process.
    upstreams: Option<Arc<dyn Upstreams>>,
}

/// Ways to other services through the sidecar of this process.
pub(crate) trait Upstreams: Send + Sync + fmt::Debug {
    /// The way to `service`. It stays open as long as somebody holds a receiver of it.
    fn open(&self, service: &str) -> Receiver<Upstream>;
}

/// The way to another service through the sidecar of this process.
#[derive(Clone, Debug)]
pub(crate) enum Upstream {
    /// The sidecar listens there for connections to it. It stays open while the sidecar is started
    /// again on the same port: dials that fail meanwhile are backed off.
    Open(Address),
    /// There is none: not yet, or for this reason.
    Closed(Option<Arc<Error>>),
}

/// What is open in this process.
static OPEN: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

impl Consul {
    /// Reads the mesh URL `url`; the token's file is named by `environment`. The agent is not asked
    /// yet: [`join`](Self::join) does that.
    ///
    /// # Errors
    /// If the URL cannot be understood, or a file that it names cannot be used.
    pub fn open(url: &str, environment: &Environment) -> Result<Consul, Error> {
        let options = Options::parse(url, environment)?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|shared| shared.strong_count() > 0);
        let same = open
            .iter()
            .filter_map(Weak::upgrade)
            .find(|shared| shared.options == options);
        if let Some(shared) = same {
            return Ok(Consul { shared });
        }
        let agent = Agent::new(&options)?;
        let watches = Watches::new(agent.clone(), options.route != Route::Plain)?;
        let datacenter = options.datacenter.as_deref();
        let certificates = Certificates::new(agent.clone(), &options.identity, datacenter);
        let shared = Arc::new(Shared {
            options,
            agent,
            watches,
            certificates,
            upstreams: None,
        });
        open.push(Arc::downgrade(&shared));
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
