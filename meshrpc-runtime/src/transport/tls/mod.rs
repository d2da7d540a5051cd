//! TLS 1.3 on TCP, by rustls: who listens has a certificate, who dials knows whom to trust.
//!
//! Certificates and keys stand in PEM files, which are read again when they are replaced: what is
//! new holds for connections from then on. Sessions are not resumed, so that every connection is
//! judged by what holds when it is made.
//!
//! # Layout
//! - `ahead`: TCP, read in larger pieces than rustls asks for
//! - `pem`: what stands in files
//! - `stream`: a stream that makes its handshake as it is read
//! - `trouble`: what a failed handshake means

mod ahead;
mod pem;
mod stream;
mod trouble;

use std::{fmt, io, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, ServerConfig,
    client::Resumption,
    crypto::{CryptoProvider, ring},
    pki_types::ServerName,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use tokio::net::TcpListener;

use super::{tcp, watched::Watched};
use crate::error::{Code, Error, Kind};

pub use stream::TlsStream;
pub(crate) use trouble::classified;

/// What a server shows, and what it asks its clients for.
///
/// It is for TCP: a Unix socket has permissions, and nobody to listen in.
///
/// ```no_run
/// use meshrpc::transport::tls::ServerTls;
///
/// let tls = ServerTls::new("/etc/greeter/chain.pem", "/etc/greeter/key.pem")
///     .client_roots("/etc/greeter/clients.pem");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct ServerTls {
    chain: PathBuf,
    key: PathBuf,
    client_roots: Option<PathBuf>,
}

/// Whom a client trusts, and what it shows.
///
/// It is for TCP; Unix sockets are dialled as ever.
///
/// ```no_run
/// use meshrpc::{Mesh, transport::tls::ClientTls};
///
/// # fn main() -> Result<(), meshrpc::Error> {
/// let tls = ClientTls::new("/etc/mesh/roots.pem").name("greeter.internal");
/// let mesh = Mesh::open_blocking("static:greeter=10.0.0.5:7001")?.tls(&tls)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct ClientTls {
    roots: PathBuf,
    certificate: Option<(PathBuf, PathBuf)>,
    name: Option<String>,
}

/// A TCP listener whose streams are TLS.
#[derive(Debug)]
pub struct TlsListener {
    pub(super) tcp: TcpListener,
    pub(super) acceptor: Acceptor,
}

/// Makes streams of what a listener accepts.
pub(crate) struct Acceptor(Watched<Arc<ServerConfig>>);

/// Dials.
pub(crate) struct Connector {
    config: Watched<Arc<ClientConfig>>,
    /// Whose certificate is expected, wherever it is.
    name: Option<ServerName<'static>>,
}

impl ServerTls {
    /// Shows the certificates in `chain`, its own first, and has the key in `key`.
    pub fn new(chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            chain: chain.into(),
            key: key.into(),
            client_roots: None,
        }
    }

    /// Takes only clients with a certificate that leads to one of those in this file. Who they are
    /// is then known to handlers, as [`Identity::Tls`](crate::wire::Identity::Tls).
    pub fn client_roots(mut self, roots: impl Into<PathBuf>) -> Self {
        self.client_roots = Some(roots.into());
        self
    }

    /// Reads the files.
    ///
    /// # Errors
    /// If there is something wrong with one of them.
    pub(crate) fn open(&self) -> Result<Acceptor, Error> {
        let mut paths = vec![self.chain.clone(), self.key.clone()];
        paths.extend(self.client_roots.clone());
        let config = Watched::new(paths, server_config).map_err(|error| unusable(&error))?;
        Ok(Acceptor(config))
    }
}

impl ClientTls {
    /// Trusts servers with a certificate that leads to one of those in `roots`.
    pub fn new(roots: impl Into<PathBuf>) -> Self {
        Self {
            roots: roots.into(),
            certificate: None,
            name: None,
        }
    }

    /// Shows the certificates in `chain`, its own first, where a server asks for one, and has the
    /// key in `key`.
    pub fn certificate(mut self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.certificate = Some((chain.into(), key.into()));
        self
    }

    /// Expects this DNS name or IP address in every certificate. Unless set it is the host that the
    /// mesh lists, else the IP address that is dialled.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Reads the files.
    ///
    /// # Errors
    /// If there is something wrong with one of them, or with the name.
    pub(crate) fn open(&self) -> Result<Connector, Error> {
        let mut paths = vec![self.roots.clone()];
        paths.extend(
            self.certificate
                .iter()
                .flat_map(|(chain, key)| [chain.clone(), key.clone()]),
        );
        let name = self.name.as_deref().map(server_name).transpose()?;
        let config = Watched::new(paths, client_config).map_err(|error| unusable(&error))?;
        Ok(Connector { config, name })
    }
}

impl TlsListener {
    /// The next stream. Its handshake is made when it is first read or written.
    pub(super) async fn accept(&self) -> io::Result<TlsStream> {
        let stream = tcp::accept(&self.tcp).await?;
        let config = (*self.acceptor.0.current()).clone();
        Ok(TlsStream::accepted(stream, config))
    }
}

impl Connector {
    /// Dials `address`, where the holder of `host` is expected unless another name was set.
    ///
    /// # Errors
    /// As the system says; `PermissionDenied` if one side does not trust the other.
    pub(crate) async fn dial(
        &self,
        address: std::net::SocketAddr,
        host: Option<&str>,
    ) -> io::Result<super::Stream> {
        let host = host.and_then(|host| ServerName::try_from(host.to_owned()).ok());
        let name = self.name.clone().or(host);
        let name = name.unwrap_or_else(|| ServerName::IpAddress(address.ip().into()));
        let config = (*self.config.current()).clone();
        connect(address, config, name, Ends::Here).await
    }
}

/// Where the other end of a TLS channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Where the connection's is.
    Here,
    /// At a proxy before it.
    #[cfg_attr(
        not(feature = "consul"),
        allow(dead_code, reason = "there are no proxies")
    )]
    Proxy,
}

/// Dials `address` and makes the handshake with whoever `config` trusts as `name`.
///
/// # Errors
/// As the system says; `PermissionDenied` if one side does not trust the other.
pub(crate) async fn connect(
    address: std::net::SocketAddr,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    ends: Ends,
) -> io::Result<super::Stream> {
    let stream = tcp::dial(address).await?;
    let stream = TlsStream::dialled(stream, config, name, ends).await?;
    Ok(super::Stream::Tls(Box::new(stream)))
}

/// What a client's configuration begins with: TLS 1.3 alone.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn server_config(files: &[Vec<u8>]) -> Result<Arc<ServerConfig>, String> {
    let [chain, key, roots @ ..] = files else {
        return Err("no files".to_owned());
    };
    let text = |error: rustls::Error| error.to_string();
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(text)?;
    let builder = match roots.first() {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let roots = Arc::new(pem::roots(roots)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| error.to_string())?)
        }
    };
    let key = pem::key(key)?;
    let mut config = builder
        .with_single_cert(pem::chain(chain)?, key)
        .map_err(text)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

fn client_config(files: &[Vec<u8>]) -> Result<Arc<ClientConfig>, String> {
    let text = |error: rustls::Error| error.to_string();
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(text)?;
    let roots = pem::roots(files.first().map_or(&[], |roots| roots))?;
    let builder = builder.with_root_certificates(roots);
    let mut config = match files {
        [_, chain, key] => builder
            .with_client_auth_cert(pem::chain(chain)?, pem::key(key)?)
            .map_err(text)?,
        _ => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn server_name(name: &str) -> Result<ServerName<'static>, Error> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        let message = format!("`{name}` is neither a DNS name nor an IP address");
        Error::new(Kind::Protocol, message).with_code(Code::InvalidArgument)
    })
}

fn unusable(error: &str) -> Error {
    Error::new(Kind::Unavailable, format!("TLS: {error}")).with_code(Code::FailedPrecondition)
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Acceptor").field(&self.0).finish()
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("config", &self.config)
            .field("name", &self.name)
            .finish()
    }
}
