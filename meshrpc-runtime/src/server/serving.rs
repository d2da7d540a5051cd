//! A server's life, from an address to gone.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::watch,
    task::JoinHandle,
};

use crate::{
    blocking, connection,
    context::Unfinished,
    discovery::{Address, Advert, Advertisement, Health, Instance, Registrar},
    error::{Code, Error, Kind},
    server::{
        Counters, Server,
        admission::Admission,
        dispatch::{Dispatcher, Service},
        listener::{Listening, Phase},
        watch::Watch,
    },
    transport,
    wire::{Config, KeySource, LocalIdentity},
};

#[cfg(feature = "tls")]
use crate::transport::tls::ServerTls;

/// What it takes to bring a server up.
pub(crate) struct Start {
    pub(crate) registrar: Arc<dyn Registrar>,
    pub(crate) advertisement: Advertisement,
    /// Keys that clients have to prove.
    pub(crate) keys: Option<Arc<dyn KeySource>>,
    /// For a server that has none of its own.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<ServerTls>,
}

/// A server that runs: bound, registered, and taking calls. Dropping it ends it at once, calls
/// under way included; [`until`](Self::until) and [`Until::drain`] end it in good order.
#[must_use = "dropping it ends the server"]
pub struct Serving {
    pub(super) advert: Option<Box<dyn Advert>>,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) listener: Running,
    /// In process, for callers that wait on the thread this server runs on.
    pub(super) second: Option<Running>,
    pub(super) unfinished: Unfinished,
    instance: Instance,
    address: Address,
    counters: Arc<Counters>,
}

/// A listener that runs.
pub(super) struct Running {
    pub(super) open: watch::Receiver<usize>,
    /// Gives the number of calls that were cut.
    pub(super) task: JoinHandle<usize>,
}

/// A server that runs until something happens.
#[must_use = "dropping it ends the server"]
pub struct Until<F> {
    serving: Serving,
    end: F,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Calls that were not done when the time was over, and were cut.
    pub cut: usize,
}

impl Start {
    /// Address, bound, listening, ready: in this order, so that nobody is sent to an instance that
    /// is not there.
    pub(crate) async fn run(self, server: &Server) -> Result<Serving, Error> {
        let routes = Arc::new(server.routes()?);
        let deployment = self.advertisement.deployment.clone();
        let mut advert = self.registrar.advertise(self.advertisement).await?;
        let bind = advert.bind();
        #[cfg(feature = "tls")]
        let acceptor = match server.tls.as_ref().or(self.tls.as_ref()) {
            Some(tls) => Some(tls.open()?),
            None => None,
        };
        #[cfg(not(feature = "tls"))]
        let acceptor = None::<()>;
        if !server.insecure && acceptor.is_none() && self.keys.is_none() {
            refuse_public(&bind)?;
        }
        let behind_proxy = advert.behind_proxy();
        let cuts = advert.cuts();
        if behind_proxy && self.keys.is_none() && matches!(bind, Address::Tcp(_)) {
            tracing::warn!(
                deployment,
                address = %bind,
                "EVERY USER OF THIS MACHINE CAN CALL THIS SERVER past its sidecar, and past \
                 intentions: share a key with its callers (MESHRPC_KEY_FILE), or let it listen \
                 on a Unix socket"
            );
        }
        let unusable = |error: std::io::Error| {
            let message = format!("cannot listen on {bind}: {error}");
            Error::new(Kind::Unavailable, message).with_source(error)
        };
        let listener = transport::Listener::bind(&bind).await.map_err(unusable)?;
        #[cfg(feature = "tls")]
        let listener = match acceptor {
            Some(acceptor) => listener.with_tls(acceptor),
            None => listener,
        };
        let address = listener.local_address().map_err(unusable)?;
        let instance = advert.instance().clone();
        advert.bound(address.clone()).await?;

        let counters = Arc::new(Counters::default());
        let limits = &server.limits;
        let admission = Admission::new(limits, Arc::clone(&counters), connection::now());
        let admission = Arc::new(admission);
        let unfinished = Unfinished::default();
        let service = |runtime: &Handle| {
            Arc::new(Service {
                routes: Arc::clone(&routes),
                counters: Arc::clone(&counters),
                admission: Arc::clone(&admission),
                unfinished: unfinished.clone(),
                watch: match runtime.metrics().num_workers() {
                    1 => None,
                    _ => Watch::new(runtime.clone()).ok(),
                },
                single: runtime.metrics().num_workers() == 1,
            })
        };
        let config = Arc::new(Config {
            identity: LocalIdentity {
                name: instance.name.to_string(),
                epoch: instance.epoch,
            },
            contracts: routes.offers(),
            keys: self.keys,
            totals: Arc::clone(&counters.totals),
            ..limits.config()
        });
        let (phase, follow) = watch::channel(Phase::Serving);
        let run = |listener, runtime: &Handle| {
            let (count, open) = watch::channel(0);
            let service = service(runtime);
            let dispatcher = |draining| {
                let service = Arc::clone(&service);
                Arc::new(Dispatcher { service, draining })
            };
            let listening = Listening {
                listener,
                config: Arc::clone(&config),
                serving: dispatcher(false),
                draining: dispatcher(true),
                admission: Arc::clone(&admission),
                counters: Arc::clone(&counters),
                max_connections: limits.max_connections,
                max_handshakes: limits.max_handshakes,
                behind_proxy,
                phase: follow.clone(),
                cuts: cuts.clone(),
                open: count,
            };
            let task = runtime.spawn(listening.run());
            Running { open, task }
        };
        let here = Handle::current();
        let second = match server.has_blocking_methods() && blocks_as_a_whole(&here) {
            true => listener.for_waiting_callers(),
            false => None,
        };
        let second = match second {
            Some(listener) => Some(run(listener, &blocking::workers()?)),
            None => None,
        };
        let mut serving = Serving {
            advert: None,
            listener: run(listener, &here),
            second,
            unfinished,
            phase,
            instance,
            address,
            counters,
        };
        advert.set_health(Health::Ready).await?;
        tracing::info!(
            deployment,
            instance = &*serving.instance.name,
            address = %serving.address,
            "serving"
        );
        serving.advert = Some(advert);
        Ok(serving)
    }
}

impl Serving {
    /// Who this is to clients.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What it has counted.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Runs until `end` resolves.
    pub fn until<F: Future>(self, end: F) -> Until<F> {
        Until { serving: self, end }
    }

    /// Stops in good order now, as [`Until::drain`] does.
    ///
    /// # Errors
    /// As [`Until::drain`].
    pub async fn drain(mut self, time: Duration) -> Result<Drained, Error> {
        self.wind_down(connection::now() + time).await
    }
}

impl<F: Future> Until<F> {
    /// Stops in good order once the time has come: the registry is told, clients are told to go
    /// away, calls under way get up to `time` to finish; then the instance is withdrawn and what is
    /// left is cut. Clients that still connect meanwhile are told to go elsewhere; no call of
    /// theirs is started, so none of them fails.
    ///
    /// # Errors
    /// If the instance cannot be withdrawn from the registry, or the listener ended by itself.
    pub async fn drain(self, time: Duration) -> Result<Drained, Error> {
        let Self { mut serving, end } = self;
        tokio::select! {
            _ = end => serving.drain(time).await,
            ended = &mut serving.listener.task => {
                let message = match ended {
                    Ok(_) => "the listener ended".to_owned(),
                    Err(error) => format!("the listener ended: {error}"),
                };
                Err(Error::new(Kind::Unavailable, message))
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.listener.task.abort();
        if let Some(second) = &self.second {
            second.task.abort();
        }
    }
}

/// Whether one thread that waits keeps all of a runtime's tasks waiting.
fn blocks_as_a_whole(runtime: &Handle) -> bool {
    runtime.runtime_flavor() != RuntimeFlavor::MultiThread
}

/// Without encryption and without knowing who calls, only this machine may.
fn refuse_public(address: &Address) -> Result<(), Error> {
    match address {
        Address::Tcp(address) if !address.ip().is_loopback() => {
            let message = format!(
                "refusing to listen on {address}: other machines can reach it, and calls are \
                 neither encrypted nor authenticated: give it TLS or shared keys, or allow it by \
                 `ServerBuilder::insecure`"
            );
            Err(Error::new(Kind::Denied, message).with_code(Code::FailedPrecondition))
        }
        _ => Ok(()),
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving")
            .field("instance", &self.instance)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for Until<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Until")
            .field("serving", &self.serving)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_safe() {
        let refused =
            |address: &str| refuse_public(&Address::Tcp(address.parse().unwrap())).is_err();
        assert!(!refused("127.0.0.1:0"));
        assert!(!refused("[::1]:80"));
        assert!(refused("0.0.0.0:80"));
        assert!(refused("[::]:80"));
        assert!(refused("10.0.0.1:80"));
        assert!(refuse_public(&Address::Unix("/run/x".into())).is_ok());
    }
}
