//! Byte streams to an agent: TCP, TLS, a Unix socket.

use std::{
    fs, io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::super::{
    super::name::invalid,
    url::{Place, TlsOptions},
};
use crate::error::Error;

/// Time for one address, so that the next has its turn.
const CONNECT: Duration = Duration::from_secs(3);

/// A byte stream of whichever kind.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// What TLS to an agent takes.
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    server_name: Option<String>,
}

impl Tls {
    /// # Errors
    /// If a file cannot be read, or holds no certificate or key.
    pub(super) fn new(options: &TlsOptions) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&options.ca)? {
            roots
                .add(certificate)
                .map_err(|error| unusable(&options.ca, &error))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| unusable(&options.ca, &error))?
            .with_root_certificates(roots);
        let config = match &options.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate)?;
                let secret =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
                builder
                    .with_client_auth_cert(chain, secret)
                    .map_err(|error| unusable(certificate, &error))?
            }
        };
        Ok(Self {
            config: Arc::new(config),
            server_name: options.server_name.clone(),
        })
    }

    async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<Box<dyn Bytes>> {
        let name = self.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        Ok(Box::new(connector.connect(name, stream).await?))
    }
}

/// A stream to an agent at `place`. Of the addresses of a name that was connected to `last` comes
/// first: another one may be another agent, with other services of its own.
pub(super) async fn open(
    place: &Place,
    tls: Option<&Tls>,
    last: &Mutex<Option<SocketAddr>>,
) -> io::Result<Box<dyn Bytes>> {
    match place {
        Place::Unix(path) => {
            let stream = within(UnixStream::connect(path)).await?;
            Ok(Box::new(stream))
        }
        Place::Tcp { host, port } => {
            let mut why = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
            let found = within(lookup_host((host.as_str(), *port))).await?;
            let mut addresses: Vec<SocketAddr> = found.collect();
            let known = *last.lock().unwrap_or_else(PoisonError::into_inner);
            addresses.sort_by_key(|&address| Some(address) != known);
            for address in addresses {
                match within(tcp(address, host, tls)).await {
                    Ok(stream) => {
                        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
                        return Ok(stream);
                    }
                    Err(error) => why = error,
                }
            }
            Err(why)
        }
    }
}

async fn tcp(address: SocketAddr, host: &str, tls: Option<&Tls>) -> io::Result<Box<dyn Bytes>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    match tls {
        None => Ok(Box::new(stream)),
        Some(tls) => tls.connect(host, stream).await,
    }
}

async fn within<T>(connecting: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(CONNECT, connecting).await {
        Ok(result) => result,
        Err(_) => {
            let message = format!("no connection within {CONNECT:?}");
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let text = fs::read(path).map_err(|error| unusable(path, &error))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = certificates.map_err(|error| unusable(path, &error))?;
    if certificates.is_empty() {
        return Err(unusable(path, &"no certificate stands in it"));
    }
    Ok(certificates)
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Error {
    invalid(format!(
        "TLS to the Consul agent: {}: {why}",
        path.display()
    ))
}
