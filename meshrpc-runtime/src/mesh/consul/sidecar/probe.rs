//! Whether a proxy answers.
//!
//! A proxy that accepts is no proof: the kernel accepts for one that is frozen, and the built-in
//! proxy takes a moment from its first certificate to its listener. So its port has to answer a TLS
//! handshake, for which a client needs no certificate: the proxy asks for it, and refuses only
//! afterwards. Who answers is not verified here, since this decides about life and death of a
//! process and not about trust; certificates may be renewed while a proxy is asked.
//!
//! For Envoy its own readiness is asked instead once it is up, as every handshake would open a
//! connection to the application.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// Time for one answer while a proxy starts.
const TRY: Duration = Duration::from_secs(1);
/// Pause between two questions while a proxy starts.
const PAUSE: Duration = Duration::from_millis(20);

/// Bytes that an answer of Envoy's may have.
const ANSWER: u64 = 16 * 1024;

/// How a proxy is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// Its listener for the mesh.
    pub(crate) listener: SocketAddr,
    /// Envoy's administration port.
    pub(crate) admin: Option<SocketAddr>,
}

impl Probe {
    /// Resolves when the proxy's listener answers a handshake for the first time.
    pub(crate) async fn answered(&self) {
        // One that has just begun to listen may forget whom it accepted first.
        while !matches!(timeout(TRY, self.handshake()).await, Ok(Ok(()))) {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether the proxy answers within `time`.
    pub(crate) async fn answers(&self, time: Duration) -> bool {
        let asked = async {
            match self.admin {
                Some(admin) => is_ready(admin).await,
                None => self.handshake().await,
            }
        };
        matches!(tokio::time::timeout(time, asked).await, Ok(Ok(())))
    }

    /// How often Envoy has replaced listeners, for a new certificate for example. It cuts the
    /// connections of the old ones once its time to drain them is over.
    pub(crate) async fn replaced(&self, time: Duration) -> u64 {
        let Some(admin) = self.admin else {
            return 0;
        };
        let asked = tokio::time::timeout(time, modified(admin)).await;
        asked.ok().and_then(Result::ok).unwrap_or(0)
    }

    pub(super) async fn handshake(&self) -> io::Result<()> {
        static CONNECTOR: LazyLock<Option<TlsConnector>> = LazyLock::new(connector);
        let Some(connector) = &*CONNECTOR else {
            return Err(io::Error::other("no TLS"));
        };
        let stream = TcpStream::connect(self.listener).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::from(self.listener.ip());
        let mut stream = connector.connect(name, stream).await?;
        // A proxy that counts connections sees an orderly end.
        let _ = stream.shutdown().await;
        Ok(())
    }
}

/// Asks `GET /ready` of Envoy.
async fn is_ready(admin: SocketAddr) -> io::Result<()> {
    let answer = asked(admin, "/ready").await?;
    match answer.starts_with("HTTP/1.1 200") {
        true => Ok(()),
        false => Err(io::Error::other("it is not ready")),
    }
}

/// Asks Envoy how many changes of listeners it has made.
async fn modified(admin: SocketAddr) -> io::Result<u64> {
    let answer = asked(admin, "/stats?filter=listener_manager.listener_modified").await?;
    let count = answer.lines().find_map(|line| {
        let (_, count) = line.split_once("listener_modified: ")?;
        count.trim().parse().ok()
    });
    count.ok_or_else(|| io::Error::other("it does not say"))
}

/// What Envoy's administration port says about `path`.
async fn asked(admin: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(admin).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(ANSWER).read_to_string(&mut answer).await?;
    Ok(answer)
}

fn connector() -> Option<TlsConnector> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Anybody(Arc::clone(&provider)));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Some(TlsConnector::from(Arc::new(config)))
}

/// Takes every certificate whose holder has its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
