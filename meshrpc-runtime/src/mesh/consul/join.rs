//! What has to be true before there is a mesh.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    Consul, Route,
    agent::{Agent, AgentError, Lookup, Right},
};
use crate::{
    blocking,
    error::{Error, Kind},
};

/// How long an agent may take that was started together with this process.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(250);

impl Consul {
    /// Makes sure that the agent answers, knows the token, and has what the URL's options need. An
    /// agent that is not there, or has no leader yet, gets 10 s.
    ///
    /// # Errors
    /// `Unavailable` if the agent does not answer in time, or cannot do what is needed: Connect is
    /// off, or it knows no such namespace or datacenter. `Denied` if it does not know the token, or
    /// the token may not register [`Options::identity`](super::Options::identity), which every
    /// route but `plain` does; the message names the permission.
    pub async fn join(&self) -> Result<(), Error> {
        // Whoever waits may have no runtime.
        let joining = blocking::io()?.spawn(self.clone().joining());
        match joining.await {
            Ok(joined) => joined,
            Err(error) => {
                Err(Error::new(Kind::Unavailable, "the I/O thread is gone").with_source(error))
            }
        }
    }

    async fn joining(self) -> Result<(), Error> {
        let end = Instant::now() + PATIENCE;
        let agent = self.agent();
        loop {
            let Err(error) = self.check().await else {
                break;
            };
            // An agent without a leader denies everything.
            let denied_early = error.is_denied() && matches!(agent.leader().await, Ok(None));
            if !(error.is_transient() || denied_early) || Instant::now() >= end {
                return Err(error.into());
            }
            tracing::debug!(%error, "waiting for the Consul agent");
            sleep(PAUSE).await;
        }
        said(agent).await;
        Ok(())
    }

    async fn check(&self) -> Result<(), AgentError> {
        let (agent, options) = (self.agent(), self.options());
        agent.require_leader().await?;
        let identity = options.identity();
        let rights: &[Right<'_>] = match options.route() {
            Route::Plain => &[],
            Route::Upstream | Route::Instance => &[Right::write_service(identity)],
        };
        agent.require(rights).await?;
        // It knows the datacenter and the namespace.
        let lookup = Lookup {
            service: identity.to_owned(),
            connect: false,
            passing: true,
        };
        agent.instances(&lookup, 0, Duration::ZERO).await?;
        if options.route() != Route::Plain {
            agent.require_roots().await?;
        }
        Ok(())
    }
}

/// Notes which agent it is, if it may be known.
async fn said(agent: &Agent) {
    if agent.is_exposed() {
        tracing::warn!(
            agent = agent.address(),
            "the Consul agent is asked over a network without TLS: tokens and keys can be heard"
        );
    }
    match agent.about().await {
        Ok(about) => tracing::info!(
            agent = agent.address(),
            version = about.version(),
            datacenter = about.datacenter(),
            node = about.node(),
            "Consul agent"
        ),
        Err(error) => tracing::debug!(%error, "the Consul agent does not say which it is"),
    }
}
