//! From Consul's lists to endpoints, by the route that calls take.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use super::{
    Consul, Route, Upstream,
    agent::{AgentError, Lookup},
    watch::nobody_healthy,
};
use crate::{
    blocking,
    discovery::{BoxFuture, Endpoint, Endpoints, Resolver, Via},
    error::{Error, Kind},
    mesh::{announce, name},
};

impl Resolver for Consul {
    fn watch(&self, deployment: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        name::check("the deployment", deployment)?;
        let list = self.shared.watches.follow(deployment);
        let Some(upstreams) = &self.shared.upstreams else {
            return Ok(list);
        };
        let way = upstreams.open(deployment);
        let (sender, receiver) = watch::channel(Arc::default());
        blocking::io()?.spawn(through(list, way, sender));
        Ok(receiver)
    }

    fn explain(&self, endpoint: &Endpoint, deployment: &str) -> BoxFuture<'_, Option<Error>> {
        let direct = matches!(endpoint.via, Via::Direct);
        let deployment = deployment.to_owned();
        Box::pin(async move {
            // No intention stands in the way of those who go there themselves.
            let asked = match direct {
                true => Ok(true),
                false => self.may_call(&deployment).await,
            };
            Some(match asked {
                Ok(true) => self.unreachable(&deployment).await,
                Ok(false) => self.denied(&deployment),
                Err(error) => error.into(),
            })
        })
    }
}

impl Consul {
    /// Whether intentions let this process call `deployment`.
    async fn may_call(&self, deployment: &str) -> Result<bool, AgentError> {
        let Self { shared } = self;
        shared
            .agent
            .may_connect(&shared.options.identity, deployment)
            .await
    }

    fn denied(&self, deployment: &str) -> Error {
        let identity = &self.shared.options.identity;
        let message = format!(
            "`{identity}` may not call `{deployment}`: an intention of Consul, or their default, \
             denies it"
        );
        Error::new(Kind::Denied, message)
    }

    /// Why nobody answers although it is allowed to ask.
    async fn unreachable(&self, deployment: &str) -> Error {
        let lookup = Lookup {
            service: deployment.to_owned(),
            connect: self.shared.options.route != Route::Plain,
            passing: true,
        };
        let listed = self
            .shared
            .agent
            .instances(&lookup, 0, Duration::ZERO)
            .await;
        let message = match listed.map(|listed| listed.value.len()) {
            Ok(0) => return nobody_healthy(deployment),
            Ok(count) => format!(
                "Consul lists {count} healthy {} of `{deployment}` and allows the call, and none \
                 was reached: a proxy on the way, or the instance itself, does not answer",
                if count == 1 { "instance" } else { "instances" }
            ),
            Err(error) => return error.into(),
        };
        Error::new(Kind::Unavailable, message)
    }
}

/// Keeps the endpoint of a proxy up to date until nobody follows.
async fn through(
    mut list: watch::Receiver<Arc<Endpoints>>,
    mut way: watch::Receiver<Upstream>,
    sender: watch::Sender<Arc<Endpoints>>,
) {
    loop {
        let listed = Arc::clone(&list.borrow_and_update());
        let known = behind(&listed, &way.borrow_and_update());
        announce(&sender, known);
        tokio::select! {
            () = sender.closed() => return,
            Ok(()) = list.changed() => {}
            Ok(()) = way.changed() => {}
            // Both ended; what is known stays.
            else => return sender.closed().await,
        }
    }
}

/// The instances of a list, behind a proxy that picks among them.
fn behind(list: &Endpoints, way: &Upstream) -> Endpoints {
    let expected: Vec<_> = list
        .ready
        .iter()
        .filter_map(|endpoint| endpoint.instance.clone())
        .collect();
    let dial = match way {
        Upstream::Open(dial) => dial,
        // Nobody is there whom the way would lead to.
        Upstream::Closed(None) if expected.is_empty() => return list.clone(),
        Upstream::Closed(why) => {
            let why = why.clone().unwrap_or_else(|| {
                let message = "the sidecar of this process does not accept connections to it yet";
                Arc::new(Error::new(Kind::Unavailable, message))
            });
            return Endpoints::last_known(Vec::new(), Some(why));
        }
    };
    let ready = match expected.is_empty() {
        // A proxy with nobody behind it accepts, and closes: there is nothing to be dialled.
        true => Vec::new(),
        false => vec![Endpoint {
            dial: dial.clone(),
            instance: None,
            via: Via::Opaque { expected },
            weight: 1,
            zone: None,
        }],
    };
    Endpoints {
        ready,
        ..list.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::Address;

    fn list(names: &[&str]) -> Endpoints {
        Endpoints::live(Endpoint::named(names))
    }

    fn port() -> Upstream {
        Upstream::Open(Address::InProcess(9))
    }

    #[test]
    fn listed_instances_are_expected_behind_the_one_port() {
        let seen = behind(&list(&["a", "b"]), &port());
        assert!(seen.live);
        let [endpoint] = &seen.ready[..] else {
            panic!("{seen:?}");
        };
        assert_eq!(endpoint.dial, Address::InProcess(9));
        let Via::Opaque { expected } = &endpoint.via else {
            panic!("{seen:?}");
        };
        let names: Vec<&str> = expected.iter().map(|instance| &*instance.name).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn nobody_is_dialled_while_nobody_is_listed() {
        assert_eq!(behind(&list(&[]), &port()), Endpoints::live(Vec::new()));
    }

    #[test]
    fn a_way_that_is_closed_says_why() {
        let why = Arc::new(Error::new(Kind::Unavailable, "no proxy"));
        let seen = behind(&list(&["a"]), &Upstream::Closed(Some(why)));
        assert!(!seen.live && seen.ready.is_empty());
        assert_eq!(seen.trouble.unwrap().to_string(), "no proxy");
        let seen = behind(&list(&["a"]), &Upstream::Closed(None));
        assert!(!seen.live && seen.trouble.unwrap().to_string().contains("sidecar"));
        let seen = behind(&list(&[]), &Upstream::Closed(None));
        assert_eq!(seen, list(&[]));
    }
}
