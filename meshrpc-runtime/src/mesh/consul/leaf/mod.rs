//! `via=instance`: the sidecars of instances are dialled with a mesh certificate of this process.
//!
//! Certificate and roots come from the agent, which is asked for the next ones for as long as the
//! mesh is open: it renews them before they end, and tells of a rotation. What a sidecar shows has
//! to lead to one of the roots and to be, by its one URI, the service that was listed there. Host
//! names and ALPN mean nothing in a mesh.
//!
//! # Layout
//! - `follow`: the latest certificates
//! - `papers`: what is made of them
//! - `verify`: whether a sidecar is the service's

mod follow;
mod papers;
#[cfg(test)]
mod tests;
mod verify;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use tokio::sync::watch;

use self::{follow::Known, papers::Papers};
use super::{Consul, agent::Agent, url::Route};
use crate::{
    blocking,
    client::{Connect, Dialer, dialled},
    connection::Connection,
    discovery::{Address, BoxFuture, Endpoint, Via},
    error::{Code, Error, Kind},
    transport::tls::{Ends, connect},
    wire::Config,
};

/// The certificates of this process and the roots of its mesh. The agent is asked for them from the
/// first dial on.
pub(super) struct Certificates {
    agent: Agent,
    /// Who this process is.
    service: String,
    datacenter: Option<String>,
    known: OnceLock<watch::Receiver<Known>>,
}

/// Dials sidecars of instances with a mesh certificate, and all others as they are.
#[derive(Debug)]
struct LeafDialer(Consul);

impl Consul {
    /// What dials what this resolver finds.
    pub(crate) fn dialer(&self) -> Arc<dyn Connect> {
        match self.options().route() {
            Route::Instance => Arc::new(LeafDialer(self.clone())),
            Route::Upstream | Route::Plain => Arc::new(Dialer),
        }
    }
}

impl Certificates {
    pub(super) fn new(agent: Agent, service: &str, datacenter: Option<&str>) -> Self {
        Self {
            agent,
            service: service.to_owned(),
            datacenter: datacenter.map(str::to_owned),
            known: OnceLock::new(),
        }
    }

    /// The latest, once there are any.
    async fn papers(&self) -> Result<Arc<Papers>, Error> {
        let mut known = match self.known.get() {
            Some(known) => known.clone(),
            None => {
                let runtime = blocking::io()?;
                let start = || {
                    let (sender, receiver) = watch::channel(Known::Nothing(None));
                    let (agent, service) = (self.agent.clone(), self.service.clone());
                    let datacenter = self.datacenter.clone();
                    runtime.spawn(follow::follow(agent, service, datacenter, sender));
                    receiver
                };
                self.known.get_or_init(start).clone()
            }
        };
        let news = known.wait_for(|known| !matches!(known, Known::Nothing(None)));
        match &*news.await.map_err(|_| gone())? {
            Known::Papers(papers) => Ok(Arc::clone(papers)),
            Known::Nothing(Some(trouble)) => Err(trouble.error()),
            Known::Nothing(None) => Err(gone()),
        }
    }
}

impl Connect for LeafDialer {
    fn connect<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        config: Arc<Config>,
    ) -> BoxFuture<'a, Result<Connection, Error>> {
        let (Via::Sidecar { service }, Address::Tcp(address)) = (&endpoint.via, &endpoint.dial)
        else {
            return Dialer.connect(endpoint, config);
        };
        Box::pin(async move {
            let papers = self.0.shared.certificates.papers().await?;
            let tls = papers.config(service)?;
            let name = address.ip().into();
            let dial = connect(*address, tls, name, Ends::Proxy);
            let stream = dialled(&endpoint.dial, dial).await?;
            let connected = Connection::connect_on(stream, config).await;
            connected.map_err(|error| let_in(error, endpoint))
        })
    }
}

/// A sidecar that does not take this process's certificate says no more than that: whether it was
/// an intention, Consul knows.
fn let_in(error: Error, endpoint: &Endpoint) -> Error {
    if (error.kind(), error.code()) != (Kind::Denied, Code::PermissionDenied) {
        return error;
    }
    let message = format!(
        "the sidecar at {} does not let this process in",
        endpoint.dial
    );
    Error::new(Kind::Unavailable, message).with_source(error)
}

fn gone() -> Error {
    Error::new(
        Kind::Unavailable,
        "the thread that asks Consul for certificates is gone",
    )
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}
