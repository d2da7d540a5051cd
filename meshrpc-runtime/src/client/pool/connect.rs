//! How a pool gets its connections.

use std::{fmt, future::Future, io, sync::Arc};

use crate::{
    connection::Connection,
    discovery::{Address, BoxFuture, Endpoint, Via},
    error::{Error, Kind},
    transport,
    wire::Config,
};

#[cfg(feature = "tls")]
use crate::transport::tls::{ClientTls, Connector};

/// Dials and performs the handshake. Tests put their own transport or faults in between.
pub trait Connect: Send + Sync + fmt::Debug {
    /// A connection to whoever answers at `endpoint`.
    ///
    /// # Errors
    /// If nobody answers, or not as a meshrpc server, or if what stands between is nothing that
    /// this connects through. One that is not there within
    /// [`ClientLimits::dial_timeout`](crate::ClientLimits::dial_timeout) is given up.
    fn connect<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        config: Arc<Config>,
    ) -> BoxFuture<'a, Result<Connection, Error>>;
}

/// The transports of this crate. It knows no certificates: [`Via::Sidecar`] is not for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialer;

impl Connect for Dialer {
    fn connect<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        config: Arc<Config>,
    ) -> BoxFuture<'a, Result<Connection, Error>> {
        Box::pin(async move {
            let address = &endpoint.dial;
            if let Via::Sidecar { service } = &endpoint.via {
                let message = format!(
                    "{address} is the sidecar of an instance of `{service}`, which takes a \
                     certificate of its mesh; `Dialer` has none"
                );
                return Err(Error::new(Kind::Unavailable, message));
            }
            let stream = dialled(address, transport::dial(address)).await?;
            Connection::connect_on(stream, config).await
        })
    }
}

/// Dials the TCP addresses of instances with TLS, and all others as `others` does.
#[cfg(feature = "tls")]
#[derive(Debug)]
pub(crate) struct TlsDialer {
    connector: Connector,
    others: Arc<dyn Connect>,
}

#[cfg(feature = "tls")]
impl TlsDialer {
    pub(crate) fn new(tls: &ClientTls, others: Arc<dyn Connect>) -> Result<Self, Error> {
        let connector = tls.open()?;
        Ok(Self { connector, others })
    }
}

#[cfg(feature = "tls")]
impl Connect for TlsDialer {
    fn connect<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        config: Arc<Config>,
    ) -> BoxFuture<'a, Result<Connection, Error>> {
        let (Address::Tcp(address), Via::Direct) = (&endpoint.dial, &endpoint.via) else {
            return self.others.connect(endpoint, config);
        };
        Box::pin(async move {
            let dial = self.connector.dial(*address, listed_host(endpoint));
            let stream = dialled(&endpoint.dial, dial).await?;
            Connection::connect_on(stream, config).await
        })
    }
}

/// The host of an instance whose name is its address, as in a list that is written by hand.
#[cfg(feature = "tls")]
fn listed_host(endpoint: &Endpoint) -> Option<&str> {
    let (host, _) = endpoint.instance.as_ref()?.name.rsplit_once(':')?;
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    Some(address.unwrap_or(host))
}

/// What `dial` brings, or an error that names the address.
pub(crate) async fn dialled<T>(
    address: &Address,
    dial: impl Future<Output = io::Result<T>>,
) -> Result<T, Error> {
    dial.await.map_err(|error| {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => Kind::Denied,
            _ => Kind::Unavailable,
        };
        Error::new(kind, format!("{address}: {error}")).with_source(error)
    })
}

/// Waits for `dial` and performs the handshake on what it brings.
#[cfg(feature = "testing")]
pub(crate) async fn establish<T: crate::connection::Io>(
    address: &Address,
    dial: impl Future<Output = io::Result<T>>,
    config: Arc<Config>,
) -> Result<Connection, Error> {
    Connection::connect(dialled(address, dial).await?, config).await
}
