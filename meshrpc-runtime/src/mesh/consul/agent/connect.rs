//! Byte streams to an agent: TCP, TLS, a Unix socket.

use std::{
    io,
    net::SocketAddr,
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
use crate::{error::Error, transport::watched::Watched};

/// Time for one address, so that the next has its turn.
const CONNECT: Duration = Duration::from_secs(3);

/// A byte stream of whichever kind.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// What TLS to an agent takes. Its files are read again when they are replaced.
pub(super) struct Tls {
    config: Watched<Arc<ClientConfig>>,
    server_name: Option<String>,
}

impl Tls {
    /// # Errors
    /// If a file cannot be read, or holds no certificate or key.
    pub(super) fn new(options: &TlsOptions) -> Result<Self, Error> {
        let mut files = vec![options.ca.clone()];
        if let Some((certificate, key)) = &options.client {
            files.extend([certificate.clone(), key.clone()]);
        }
        let config = Watched::new(files, |files| config(files).map(Arc::new));
        Ok(Self {
            config: config.map_err(|why| invalid(format!("TLS to the Consul agent: {why}")))?,
            server_name: options.server_name.clone(),
        })
    }

    async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<Box<dyn Bytes>> {
        let name = self.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::clone(&*self.config.current()));
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

/// From the content of the file with roots, and of those with a certificate and its key, if given.
fn config(files: &[Vec<u8>]) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for root in certificates(files.first().map_or(&[], |file| file))? {
        roots.add(root).map_err(|error| error.to_string())?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    match files {
        [_, certificate, key] => {
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| error.to_string())?;
            builder
                .with_client_auth_cert(certificates(certificate)?, key)
                .map_err(|error| error.to_string())
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err("there is no certificate where one should be".to_owned())
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(error.to_string()),
    }
}
