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
//! - `sidecar`: proxies beside services, started and watched
//! - `registration`: what this process registers
//! - `upstream`: ports that lead to other services through a sidecar of this process
//! - [`control`]: services, upstreams and sidecars by hand
//! - `placeholder`: what is filled in where users write

pub mod agent;
pub mod control;
mod error;
mod join;
mod leaf;
mod listing;
mod placeholder;
mod registration;
mod resolve;
mod sidecar;
mod token;
mod upstream;
mod url;
mod watch;

use std::sync::{Arc, Mutex, PoisonError, Weak};

pub use agent::CheckStatus;
pub use control::{Service, ServiceInfo, SidecarHandle, Started, UpstreamInfo};
pub use error::ConsulError;
pub use registration::Template;
pub use sidecar::{
    Envoy, OutputStream, Proxy, SidecarEvent, SidecarInfo, SidecarState, sidecar_answers,
};
pub use url::{Options, Route};

use self::{
    agent::Agent,
    control::ByHand,
    leaf::Certificates,
    registration::{ConsulAdvert, Setting},
    upstream::Upstreams,
    watch::Watches,
};
use super::Environment;
use crate::{
    discovery::{Address, Advert, Advertisement, BoxFuture, Registrar},
    error::Error,
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
    setting: Arc<Setting>,
    certificates: Certificates,
    /// None where calls do not go through a sidecar of this process.
    upstreams: Option<Arc<Upstreams>>,
    by_hand: ByHand,
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

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(upstreams) = self.upstreams.take() {
            registration::part(async move { upstreams.end().await });
        }
    }
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
        let setting = Arc::new(Setting::new(&agent, &options, environment));
        let upstreams = (options.route == Route::Upstream)
            .then(|| Upstreams::new(Arc::clone(&setting), &options.identity));
        let datacenter = options.datacenter.as_deref();
        let certificates = Certificates::new(agent.clone(), &options.identity, datacenter);
        let shared = Arc::new(Shared {
            options,
            agent,
            watches,
            setting,
            upstreams,
            by_hand: ByHand::default(),
            certificates,
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
        Box::pin(async move {
            let Shared {
                setting, upstreams, ..
            } = &*self.shared;
            let advert = ConsulAdvert::new(setting, upstreams.as_ref(), advertisement).await?;
            Ok(Box::new(advert) as Box<dyn Advert>)
        })
    }
}
