//! The bare echo through the callee's sidecar alone, which is dialled with a mesh certificate.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result, ensure};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Whose certificate the agent is asked for.
const AS: &str = "caller-bare";
/// What names of services begin with whose sidecar is to be dialled.
const SIDECAR: &str = "sidecar:";

/// TLS to a sidecar.
pub type Stream = TlsStream<TcpStream>;

/// How a caller is asked for the sidecar of `service`.
pub fn name(service: &str) -> String {
    format!("{SIDECAR}{service}")
}

/// Of which service the sidecar is asked for, if it is a sidecar.
pub fn service(to: &str) -> Option<&str> {
    to.strip_prefix(SIDECAR)
}

/// Dials the sidecar of a service, in the mesh of this URL.
pub async fn dial(url: &str, service: &str) -> Result<Stream> {
    let agent = url.strip_prefix("consul://").context("no Consul")?;
    let agent = agent.split('?').next().unwrap_or_default();
    let agent: SocketAddr = agent.parse().context("an agent at an address")?;

    let leaf = ask(agent, &format!("/v1/agent/connect/ca/leaf/{AS}")).await?;
    let text = |name: &str| leaf[name].as_str().context("no certificate");
    let chain = CertificateDer::pem_slice_iter(text("CertPEM")?.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(text("PrivateKeyPEM")?.as_bytes())?;
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_client_auth_cert(chain.collect::<Result<_, _>>()?, key)?;

    let listed = ask(agent, &format!("/v1/health/connect/{service}?passing")).await?;
    let sidecar = &listed[0]["Service"];
    let host = sidecar["Address"].as_str().filter(|host| !host.is_empty());
    let host = host.unwrap_or("127.0.0.1");
    let port = sidecar["Port"].as_u64().context("no sidecar")?;
    let address: SocketAddr = format!("{host}:{port}").parse()?;

    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(address.ip().into(), stream).await;
    stream.context("no handshake with the sidecar")
}

/// Asks the agent.
async fn ask(agent: SocketAddr, path: &str) -> Result<Value> {
    let mut stream = TcpStream::connect(agent).await?;
    // Of this version an answer ends with its connection.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {agent}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    ensure!(head.contains(" 200 "), "{path}: {head}");
    Ok(serde_json::from_str(body)?)
}

/// Takes whoever answers: what is measured comes after the handshake.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = ring::default_provider();
        provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
