//! One upstream, from a port that is kept for it to one that accepts.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::watch, task::AbortHandle};

use super::{
    super::{Upstream, error::ConsulError, registration::Reservation, sidecar::SidecarInfo},
    CONNECTIONS, LINGER, Upstreams,
};
use crate::{blocking, client::Backoff, discovery::Address};

/// Pause between two looks whether the port accepts.
const PAUSE: Duration = Duration::from_millis(20);
/// A port that does not accept for so long, while the sidecar runs, is given up for another.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bounds of the wait before an upstream is opened again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// An upstream that is kept.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) port: Reservation,
    pub(super) users: usize,
    pub(super) address: watch::Sender<Option<SocketAddr>>,
    pub(super) follow: Option<AbortHandle>,
}

/// A user of an upstream. Dropping it lets the upstream go, a moment later, if it was the last.
#[derive(Debug)]
pub(crate) struct Lease {
    /// They end with their mesh, whoever still uses one.
    upstreams: Weak<Upstreams>,
    service: String,
    address: watch::Receiver<Option<SocketAddr>>,
}

impl Upstreams {
    pub(super) fn open_again(self: &Arc<Self>, service: &str) -> Option<Lease> {
        let mut open = self.lock();
        let known = open.get_mut(service)?;
        known.users += 1;
        Some(self.user(service, known))
    }

    pub(super) fn add(self: &Arc<Self>, service: &str) -> Result<Lease, ConsulError> {
        let port = self.port(service, None)?;
        let new = Open {
            port,
            users: 1,
            address: watch::Sender::new(None),
            follow: None,
        };
        let upstream = self.user(service, &new);
        self.lock().insert(service.to_owned(), new);
        Ok(upstream)
    }

    fn user(self: &Arc<Self>, service: &str, open: &Open) -> Lease {
        Lease {
            upstreams: Arc::downgrade(self),
            service: service.to_owned(),
            address: open.address.subscribe(),
        }
    }

    fn port(&self, service: &str, not: Option<u16>) -> Result<Reservation, ConsulError> {
        let port = self.setting.ports.reserve(Ipv4Addr::LOCALHOST.into(), not);
        port.map_err(|error| ConsulError::NoPort {
            service: service.to_owned(),
            reason: error.to_string(),
        })
    }

    /// Another port for an upstream whose own is somebody else's.
    async fn move_away(self: &Arc<Self>, service: &str) -> Result<(), ConsulError> {
        let mut carrier = self.carrier.lock().await;
        let Some(lost) = self.with(service, |open| open.port.port()) else {
            return Ok(());
        };
        tracing::warn!(
            service,
            port = lost,
            "the port of an upstream does not come: another one"
        );
        let port = self.port(service, Some(lost))?;
        self.with(service, |open| open.port = port);
        self.tell(&mut carrier).await
    }

    pub(super) fn with<R>(&self, service: &str, change: impl FnOnce(&mut Open) -> R) -> Option<R> {
        self.lock().get_mut(service).map(change)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Where the service is dialled: none while the port does not accept.
    pub(crate) fn follow(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.address.clone()
    }

    /// Lets the upstream go at once, if this is its last user.
    pub(crate) async fn close(mut self) {
        if let Some(upstreams) = self.leave() {
            upstreams.sweep().await;
        }
    }

    /// Leaves what was never there.
    pub(super) fn forget(mut self) {
        self.upstreams = Weak::new();
    }

    /// The upstreams, if there is one now that nobody uses.
    fn leave(&mut self) -> Option<Arc<Upstreams>> {
        let upstreams = std::mem::take(&mut self.upstreams).upgrade()?;
        let users = upstreams.with(&self.service, |open| {
            open.users = open.users.saturating_sub(1);
            open.users
        });
        (users == Some(0)).then_some(upstreams)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(upstreams) = self.leave() else {
            return;
        };
        let Ok(runtime) = blocking::io() else { return };
        let upstreams = Arc::downgrade(&upstreams);
        runtime.spawn(async move {
            tokio::time::sleep(LINGER).await;
            if let Some(upstreams) = upstreams.upgrade() {
                upstreams.sweep().await;
            }
        });
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(follow) = &self.follow {
            follow.abort();
        }
    }
}

/// An upstream as a registration has it.
pub(super) fn described((service, open): (&String, &Open), datacenter: Option<&str>) -> Value {
    let mut described = json!({
        "DestinationName": service,
        "LocalBindAddress": Ipv4Addr::LOCALHOST,
        "LocalBindPort": open.port.port(),
        "Config": { "limits": { "max_connections": CONNECTIONS } },
    });
    if let (Some(datacenter), Some(fields)) = (datacenter, described.as_object_mut()) {
        fields.insert("Datacenter".to_owned(), datacenter.into());
    }
    described
}

/// Holds a lease while somebody follows the way to `service`.
pub(super) async fn keep(
    upstreams: Weak<Upstreams>,
    service: String,
    way: watch::Sender<Upstream>,
) {
    let mut backoff = Backoff::new(BACKOFF.0, BACKOFF.1);
    let lease = loop {
        let Some(held) = upstreams.upgrade() else {
            return;
        };
        let leased = tokio::select! {
            () = way.closed() => return,
            leased = held.lease(&service) => leased,
        };
        drop(held);
        match leased {
            Ok(lease) => break lease,
            Err(error) => {
                tracing::warn!(%error, service, "no way through the sidecar: trying again");
                way.send_replace(Upstream::Closed(Some(Arc::new(error.into()))));
            }
        }
        tokio::select! {
            () = way.closed() => return,
            () = tokio::time::sleep(backoff.next(fastrand::f64())) => {}
        }
    };
    let mut address = lease.follow();
    loop {
        let now = *address.borrow_and_update();
        if let Some(now) = now {
            way.send_replace(Upstream::Open(Address::Tcp(now)));
        }
        tokio::select! {
            () = way.closed() => return,
            Ok(()) = address.changed() => {}
            else => return way.closed().await,
        }
    }
}

/// Tells the users of an upstream where it is once its port accepts.
pub(super) async fn follow(
    upstreams: Weak<Upstreams>,
    service: String,
    info: Option<watch::Receiver<SidecarInfo>>,
) {
    // Of a sidecar that somebody else runs nothing is known: it is taken to run.
    let mut info = match info {
        Some(info) => info,
        None => watch::Sender::new(SidecarInfo::external()).subscribe(),
    };
    loop {
        let port = {
            let Some(upstreams) = upstreams.upgrade() else {
                return;
            };
            upstreams.with(&service, |open| open.port.port())
        };
        let Some(port) = port else { return };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let accepts = async {
            // A sidecar that does not run has all the time it needs to be started again.
            let _ = info.wait_for(SidecarInfo::is_running).await;
            tokio::time::timeout(PATIENCE, accepting(address))
                .await
                .is_ok()
        };
        let accepts = accepts.await;
        let Some(held) = upstreams.upgrade() else {
            return;
        };
        if accepts {
            held.with(&service, |open| open.address.send_replace(Some(address)));
        } else if let Err(error) = held.move_away(&service).await {
            tracing::warn!(%error, service, "an upstream cannot be moved to another port");
        }
        drop(held);
        if !accepts {
            continue;
        }
        // While it is started again its port stays what it is.
        if info.wait_for(|info| !info.is_running()).await.is_err() {
            // Somebody else's, or one that ended with its registration.
            return std::future::pending().await;
        }
    }
}

/// Resolves when the port accepts.
async fn accepting(address: SocketAddr) {
    while TcpStream::connect(address).await.is_err() {
        tokio::time::sleep(PAUSE).await;
    }
}
