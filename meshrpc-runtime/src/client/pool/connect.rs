//! How a pool gets its connections.

use std::{fmt, future::Future, io, sync::Arc};

use crate::{
    connection::{Connection, Io},
    discovery::{Address, BoxFuture},
    error::{Error, Kind},
    transport,
    wire::Config,
};

/// Dials and performs the handshake. Tests put their own transport or faults in between.
pub trait Connect: Send + Sync + fmt::Debug {
    /// A connection to whoever answers at `address`.
    ///
    /// # Errors
    /// If nobody answers, or not as a meshrpc server. One that is not there within
    /// [`ClientLimits::dial_timeout`](crate::ClientLimits::dial_timeout) is given up.
    fn connect<'a>(
        &'a self,
        address: &'a Address,
        config: Arc<Config>,
    ) -> BoxFuture<'a, Result<Connection, Error>>;
}

/// The transports of this crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialer;

impl Connect for Dialer {
    fn connect<'a>(
        &'a self,
        address: &'a Address,
        config: Arc<Config>,
    ) -> BoxFuture<'a, Result<Connection, Error>> {
        Box::pin(establish(address, transport::dial(address), config))
    }
}

/// Waits for `dial` and performs the handshake on what it brings.
pub(crate) async fn establish<T: Io>(
    address: &Address,
    dial: impl Future<Output = io::Result<T>>,
    config: Arc<Config>,
) -> Result<Connection, Error> {
    let io = dial.await.map_err(|error| {
        Error::new(Kind::Unavailable, format!("{address}: {error}")).with_source(error)
    })?;
    Connection::connect(io, config).await
}
