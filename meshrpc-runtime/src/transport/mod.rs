//! Byte streams: TCP, TLS, Unix sockets, and pairs in memory. Nothing here knows the protocol.

mod memory;
#[cfg(feature = "tcp")]
mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "unix")]
mod unix;
pub(crate) mod watched;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::{discovery::Address, wire::Identity};

/// One byte stream to a peer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// TCP, without Nagle's delay.
    #[cfg(feature = "tcp")]
    Tcp(tokio::net::TcpStream),
    /// TLS over TCP.
    #[cfg(feature = "tls")]
    Tls(Box<tls::TlsStream>),
    /// A Unix stream socket.
    #[cfg(feature = "unix")]
    Unix(tokio::net::UnixStream),
    /// A pipe in this process.
    Memory(DuplexStream),
}

/// What a byte stream knows of its peer.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Who the peer is.
    pub identity: Identity,
    /// Bytes that only the two ends of the stream know (RFC 9266), if it is TLS.
    pub binding: Option<[u8; 32]>,
}

/// Takes byte streams from whoever dials.
#[derive(Debug)]
#[non_exhaustive]
pub enum Listener {
    /// TCP.
    #[cfg(feature = "tcp")]
    Tcp(tokio::net::TcpListener),
    /// TLS over TCP.
    #[cfg(feature = "tls")]
    Tls(tls::TlsListener),
    /// A Unix socket; its file is removed on drop.
    #[cfg(feature = "unix")]
    Unix(unix::UnixSocket),
    /// In this process.
    Memory(memory::MemoryListener),
}

/// Connects to `address`.
///
/// # Errors
/// As the system says; [`io::ErrorKind::Unsupported`] if the feature for such addresses is off.
pub async fn dial(address: &Address) -> io::Result<Stream> {
    match address {
        #[cfg(feature = "tcp")]
        Address::Tcp(address) => Ok(Stream::Tcp(tcp::dial(*address).await?)),
        #[cfg(feature = "unix")]
        Address::Unix(path) => Ok(Stream::Unix(tokio::net::UnixStream::connect(path).await?)),
        Address::InProcess(number) => Ok(Stream::Memory(memory::dial(*number).await?)),
        #[allow(
            unreachable_patterns,
            reason = "reachable when a transport's feature is off"
        )]
        _ => Err(unsupported(address)),
    }
}

impl Listener {
    /// Listens at `address`; port 0 lets the system choose, and any in-process number stands for a
    /// new one. Must be called on a runtime.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::AddrInUse`] for a Unix socket somebody listens on;
    /// [`io::ErrorKind::Unsupported`] if the feature for such addresses is off.
    pub async fn bind(address: &Address) -> io::Result<Listener> {
        match address {
            #[cfg(feature = "tcp")]
            Address::Tcp(address) => {
                Ok(Listener::Tcp(tokio::net::TcpListener::bind(address).await?))
            }
            #[cfg(feature = "unix")]
            Address::Unix(path) => Ok(Listener::Unix(unix::UnixSocket::bind(path)?)),
            Address::InProcess(_) => Ok(Listener::Memory(memory::MemoryListener::new())),
            #[allow(
                unreachable_patterns,
                reason = "reachable when a transport's feature is off"
            )]
            _ => Err(unsupported(address)),
        }
    }

    /// The address that clients dial.
    ///
    /// # Errors
    /// As the system says.
    pub fn local_address(&self) -> io::Result<Address> {
        match self {
            #[cfg(feature = "tcp")]
            Listener::Tcp(listener) => Ok(Address::Tcp(listener.local_addr()?)),
            #[cfg(feature = "tls")]
            Listener::Tls(listener) => Ok(Address::Tcp(listener.tcp.local_addr()?)),
            #[cfg(feature = "unix")]
            Listener::Unix(socket) => Ok(Address::Unix(socket.path().to_owned())),
            Listener::Memory(listener) => Ok(Address::InProcess(listener.number())),
        }
    }

    /// The same, with TLS where it is TCP.
    #[cfg(feature = "tls")]
    pub(crate) fn with_tls(self, acceptor: tls::Acceptor) -> Listener {
        match self {
            Listener::Tcp(tcp) => Listener::Tls(tls::TlsListener { tcp, acceptor }),
            other => other,
        }
    }

    /// A second listener at the same address, for those of its callers that wait on their threads,
    /// where there can be one: they may be in the way of this one.
    pub(crate) fn for_waiting_callers(&self) -> Option<Listener> {
        match self {
            Listener::Memory(listener) => Some(Listener::Memory(listener.for_waiting_callers())),
            #[allow(
                unreachable_patterns,
                reason = "reachable when a transport's feature is on"
            )]
            _ => None,
        }
    }

    /// The next byte stream. Cancel safe.
    ///
    /// # Errors
    /// As the system says; most, such as running out of file descriptors, pass.
    pub async fn accept(&self) -> io::Result<Stream> {
        match self {
            #[cfg(feature = "tcp")]
            Listener::Tcp(listener) => Ok(Stream::Tcp(tcp::accept(listener).await?)),
            #[cfg(feature = "tls")]
            Listener::Tls(listener) => Ok(Stream::Tls(Box::new(listener.accept().await?))),
            #[cfg(feature = "unix")]
            Listener::Unix(socket) => Ok(Stream::Unix(socket.accept().await?)),
            Listener::Memory(listener) => Ok(Stream::Memory(listener.accept().await?)),
        }
    }
}

#[allow(dead_code, reason = "used when a transport's feature is off")]
fn unsupported(address: &Address) -> io::Error {
    let message = format!("{address}: the cargo feature for this kind of address is off");
    io::Error::new(io::ErrorKind::Unsupported, message)
}

impl Stream {
    /// What is known of the peer; of TLS, once a byte of the peer was read.
    pub fn credentials(&self) -> Credentials {
        match self {
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.credentials(),
            #[cfg(feature = "unix")]
            Stream::Unix(stream) => Credentials {
                identity: unix::identity(stream),
                binding: None,
            },
            _ => Credentials::default(),
        }
    }
}

macro_rules! each_stream {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream {
            #[cfg(feature = "tcp")]
            Stream::Tcp($inner) => $call,
            #[cfg(feature = "tls")]
            Stream::Tls($inner) => $call,
            #[cfg(feature = "unix")]
            Stream::Unix($inner) => $call,
            Stream::Memory($inner) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each_stream!(self.get_mut(), inner => Pin::new(inner).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        each_stream!(self.get_mut(), inner => Pin::new(inner).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each_stream!(self.get_mut(), inner => Pin::new(inner).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        each_stream!(self, inner => inner.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each_stream!(self.get_mut(), inner => Pin::new(inner).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each_stream!(self.get_mut(), inner => Pin::new(inner).poll_shutdown(cx))
    }
}
