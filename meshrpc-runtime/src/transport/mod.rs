//! Stand-in for the transports: TCP only.

use std::io;

use tokio::net::{TcpListener, TcpStream};

use crate::discovery::Address;

/// A bound listener.
#[derive(Debug)]
pub struct Listener(TcpListener);

/// Dials an address.
pub async fn dial(address: &Address) -> io::Result<TcpStream> {
    match address {
        Address::Tcp(address) => TcpStream::connect(address).await,
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

impl Listener {
    /// Binds.
    pub async fn bind(address: &Address) -> io::Result<Listener> {
        match address {
            Address::Tcp(address) => Ok(Self(TcpListener::bind(address).await?)),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The next byte stream.
    pub async fn accept(&self) -> io::Result<TcpStream> {
        Ok(self.0.accept().await?.0)
    }

    /// Where it is bound.
    pub fn local_address(&self) -> io::Result<Address> {
        Ok(Address::Tcp(self.0.local_addr()?))
    }
}
