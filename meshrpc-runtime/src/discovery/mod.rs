//! Terms that client, server and mesh share: where an instance is, who it is, and how it is
//! announced. No I/O.
//!
//! A *deployment* is what a mesh resolves (`connect(&mesh, "greeter")`); an *instance* is one
//! process of it; an *endpoint* is a way to dial. They are not the same: behind an opaque sidecar
//! one dial address leads to any of several instances, and only the handshake tells to which.

mod address;

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use tokio::sync::watch;

use crate::error::Error;

pub use address::{Address, AddressError};

/// One boot of one process of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instance {
    /// The name that survives a restart; session keys are hashed over it. At most 128 bytes.
    pub name: Arc<str>,
    /// Differs between two boots under the same name, the later one being higher; 0 where the
    /// registry knows names only, as a fixed list of addresses does.
    pub epoch: u64,
}

/// One way to reach an instance of a deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// What to dial.
    pub dial: Address,
    /// Who answers there, if the registry knows. Behind [`Via::Opaque`] only the handshake tells.
    pub instance: Option<Instance>,
    /// What stands between.
    pub via: Via,
    /// Relative share of calls; 1 is the ordinary one.
    pub weight: u32,
    /// Failure domain, if the registry knows.
    pub zone: Option<Arc<str>>,
}

/// What stands between a client and the instance it dials.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Via {
    /// Nothing: the address is the instance's own.
    Direct,
    /// A proxy that picks an instance by itself, one of `expected`.
    Opaque {
        /// The instances the registry lists behind the proxy.
        expected: Vec<Instance>,
    },
    /// The instance's own proxy, which takes TLS with a certificate of the mesh and leads to this
    /// instance alone.
    Sidecar {
        /// The service that the proxy's certificate has to name.
        service: Arc<str>,
    },
}

/// What a [`Resolver`] knows of a deployment at one time.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// Every endpoint that is ready for calls.
    pub ready: Vec<Endpoint>,
    /// False while the registry cannot be asked and `ready` is the last answer it gave.
    pub live: bool,
    /// Why the registry cannot be asked, or its answer not be used, or why it lists nobody. Its kind
    /// and code become those of calls that find no instance meanwhile.
    pub trouble: Option<Arc<Error>>,
}

#[cfg(all(test, feature = "consul"))]
impl Endpoint {
    /// Instances with these names, for tests of what is done with a list.
    pub(crate) fn named(names: &[&str]) -> Vec<Self> {
        let endpoint = |name: &&str| Self {
            dial: Address::InProcess(1),
            instance: Some(Instance {
                name: (*name).into(),
                epoch: 1,
            }),
            via: Via::Direct,
            weight: 1,
            zone: None,
        };
        names.iter().map(endpoint).collect()
    }
}

impl Endpoints {
    /// What a registry says now.
    pub fn live(ready: Vec<Endpoint>) -> Self {
        Self {
            ready,
            live: true,
            trouble: None,
        }
    }

    /// What a registry said last.
    pub fn last_known(ready: Vec<Endpoint>, trouble: Option<Arc<Error>>) -> Self {
        Self {
            ready,
            live: false,
            trouble,
        }
    }
}

impl PartialEq for Endpoints {
    fn eq(&self, other: &Self) -> bool {
        let trouble = |endpoints: &Self| {
            let error = endpoints.trouble.as_deref()?;
            Some((error.kind(), error.code(), error.to_string()))
        };
        self.live == other.live && self.ready == other.ready && trouble(self) == trouble(other)
    }
}

/// What a server asks a [`Registrar`] to announce.
#[derive(Clone, Debug)]
pub struct Advertisement {
    /// The deployment.
    pub deployment: String,
    /// Stable name, or `None` to let the registrar choose one.
    pub instance: Option<String>,
    /// Epoch of this boot.
    pub epoch: u64,
    /// Where to listen, or `None` to let the registrar choose.
    pub listen: Option<Address>,
}

/// How an announced instance is seen by clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// It exists, and takes no calls yet.
    Starting,
    /// It takes calls.
    Ready,
    /// It takes no new calls, and finishes those it has.
    Draining,
}

/// Announces instances.
pub trait Registrar: Send + Sync + fmt::Debug {
    /// Reserves a name and says where to listen. Nobody sees the instance before
    /// [`Advert::bound`] and [`Health::Ready`].
    ///
    /// # Errors
    /// If the registry cannot be reached or the name belongs to somebody who is alive.
    fn advertise(
        &self,
        advertisement: Advertisement,
    ) -> BoxFuture<'_, Result<Box<dyn Advert>, Error>>;
}

/// One announced instance. Dropping it withdraws it, without waiting for the registry's answer.
///
/// The registry may forget the instance while it lives: an agent restarts, a directory is swept.
/// Noticing that and registering again, under the same name and epoch, is the advert's own work
/// until it is withdrawn; its owner need not ask.
pub trait Advert: Send + Sync + fmt::Debug {
    /// Where the server has to bind. Port 0 lets the system choose, and so does
    /// [`Address::InProcess`] with the number 0.
    fn bind(&self) -> Address;
    /// The instance as clients will see it.
    fn instance(&self) -> &Instance;
    /// Whether all who connect are a proxy of the instance, which speaks for others: what is known
    /// of it is not known of the callers, and whoever does not come through it is none of them.
    fn behind_proxy(&self) -> bool {
        false
    }
    /// Counts how often what carries the server's connections was about to cut those that it has: a
    /// proxy with a new certificate does. They are replaced before, so that no call is lost. None
    /// where that is never known ahead.
    fn cuts(&self) -> Option<watch::Receiver<u64>> {
        None
    }
    /// Tells the registry the address that was really bound. An address that means "every
    /// interface" is announced as one that can be dialled.
    ///
    /// # Errors
    /// If nobody could dial that address, or the registry cannot be reached.
    fn bound(&mut self, address: Address) -> BoxFuture<'_, Result<(), Error>>;
    /// Changes how clients see the instance. `Draining` resolves when no client that follows the
    /// registry would be sent here any more, as far as the registry can tell; that may take seconds
    /// (a proxy learns of it late), and the server has to go on accepting meanwhile.
    ///
    /// # Errors
    /// If the registry cannot be reached, or `Ready` comes before [`bound`](Self::bound).
    fn set_health(&mut self, health: Health) -> BoxFuture<'_, Result<(), Error>>;
    /// What stands beside the server, carries its connections, and so has to end after its listener
    /// is closed: a proxy. Taken before [`withdraw`](Self::withdraw), it outlives the registration;
    /// the future ends it.
    fn companion(&mut self) -> Option<BoxFuture<'static, ()>> {
        None
    }
    /// Removes the instance. After that its address is free for others.
    ///
    /// # Errors
    /// If the registry could not be told; it will find out by itself.
    fn withdraw(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;
}

/// Finds instances.
pub trait Resolver: Send + Sync + fmt::Debug {
    /// Follows a deployment. The first value is what is known now, perhaps nothing; the watch ends
    /// when the receiver is dropped. It is called within the runtime that the connections will live
    /// on, which may be blocked or end as others go on: what it spawns serves this watch alone.
    ///
    /// # Errors
    /// If the deployment's name cannot be one in this mesh.
    fn watch(&self, deployment: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error>;

    /// Why a dial of `endpoint`, which leads through a proxy, ended before the handshake: a proxy
    /// accepts a connection and closes it, whether the caller is denied, nobody is there, or an
    /// instance is down, and only the registry knows which. `None` if it does not know either, or
    /// sees no fault.
    ///
    /// The error's kind and code become those of calls that find no instance meanwhile. It is asked
    /// after failed dials alone, and not more often than these are backed off.
    fn explain(&self, endpoint: &Endpoint, deployment: &str) -> BoxFuture<'_, Option<Error>> {
        let _ = (endpoint, deployment);
        Box::pin(std::future::ready(None))
    }
}

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
