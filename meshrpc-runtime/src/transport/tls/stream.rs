//! A stream that makes its handshake as it is read, so that whoever accepts waits for nobody.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use rustls::{ClientConfig, CommonState, ServerConfig, pki_types::ServerName};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{FallibleAccept, TlsAcceptor, TlsConnector, client, server};
use webpki::EndEntityCert;

use super::{Ends, ahead::Ahead, classified};
use crate::{
    transport::Credentials,
    wire::{Certificate, Identity},
};

/// TLS over TCP.
pub struct TlsStream(State);

enum State {
    /// The client's handshake is awaited.
    Accepting(FallibleAccept<Ahead>),
    Accepted(server::TlsStream<Ahead>),
    Dialled(client::TlsStream<Ahead>, Ends),
    /// There was none. What the peer still says is read and not looked at, since closing before
    /// could take the alert away from it.
    Failed(Ahead),
}

impl TlsStream {
    pub(super) fn accepted(stream: TcpStream, config: Arc<ServerConfig>) -> Self {
        let accept = TlsAcceptor::from(config).accept(Ahead::new(stream));
        Self(State::Accepting(accept.into_fallible()))
    }

    pub(super) async fn dialled(
        stream: TcpStream,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        ends: Ends,
    ) -> io::Result<Self> {
        let connect = TlsConnector::from(config).connect(name, Ahead::new(stream));
        let stream = connect.await.map_err(classified)?;
        Ok(Self(State::Dialled(stream, ends)))
    }

    /// What the handshake told, once it is made.
    pub(crate) fn credentials(&self) -> Credentials {
        let binding =
            |state: &dyn Fn([u8; 32]) -> Result<[u8; 32], rustls::Error>| state([0; 32]).ok();
        const LABEL: &[u8] = b"EXPORTER-Channel-Binding";
        match &self.0 {
            State::Accepted(stream) => {
                let (_, session) = stream.get_ref();
                Credentials {
                    identity: identity(session),
                    binding: binding(&|out| session.export_keying_material(out, LABEL, Some(&[]))),
                }
            }
            State::Dialled(stream, ends) => {
                let (_, session) = stream.get_ref();
                let export = |out| session.export_keying_material(out, LABEL, Some(&[]));
                Credentials {
                    identity: identity(session),
                    binding: (*ends == Ends::Here).then(|| binding(&export)).flatten(),
                }
            }
            State::Accepting(_) | State::Failed(_) => Credentials::default(),
        }
    }

    /// Goes on with a handshake. `None` if the peer closed before it was made.
    fn poll_made(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Pin<&mut dyn Tls>>>> {
        if let State::Accepting(accept) = &mut self.0 {
            match ready!(Pin::new(accept).poll(cx)) {
                Ok(stream) => self.0 = State::Accepted(stream),
                Err((error, stream)) => {
                    self.0 = State::Failed(stream);
                    if error.kind() != io::ErrorKind::UnexpectedEof {
                        return Poll::Ready(Err(classified(error)));
                    }
                }
            }
        }
        Poll::Ready(Ok(match &mut self.0 {
            State::Accepted(stream) => Some(Pin::new(stream)),
            State::Dialled(stream, _) => Some(Pin::new(stream)),
            State::Accepting(_) | State::Failed(_) => None,
        }))
    }
}

trait Tls: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Tls for T {}

impl AsyncRead for TlsStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if let State::Failed(stream) = &mut stream.0 {
            return Pin::new(stream).poll_read(cx, buf);
        }
        match ready!(stream.poll_made(cx))? {
            None => Poll::Ready(Ok(())),
            Some(stream) => Poll::Ready(match ready!(stream.poll_read(cx, buf)) {
                // A peer that is gone without a word of TLS. What it said has an end of its own.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
                result => result.map_err(classified),
            }),
        }
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(self.get_mut().poll_made(cx))? {
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            Some(stream) => stream.poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match ready!(self.get_mut().poll_made(cx))? {
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            Some(stream) => stream.poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            State::Accepted(stream) => Pin::new(stream).poll_flush(cx),
            State::Dialled(stream, _) => Pin::new(stream).poll_flush(cx),
            // Nothing was written.
            State::Accepting(_) | State::Failed(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            State::Accepted(stream) => Pin::new(stream).poll_shutdown(cx),
            State::Dialled(stream, _) => Pin::new(stream).poll_shutdown(cx),
            State::Failed(stream) => Pin::new(stream).poll_shutdown(cx),
            State::Accepting(_) => Poll::Ready(Ok(())),
        }
    }
}

/// The holder of the peer's certificate, which the handshake has verified.
fn identity(session: &CommonState) -> Identity {
    let Some(shown) = session.peer_certificates().and_then(|chain| chain.first()) else {
        return Identity::Unverified;
    };
    let names = match EndEntityCert::try_from(shown) {
        Ok(certificate) => {
            let names = certificate.valid_dns_names();
            let names = names.chain(certificate.valid_uri_names());
            names.map(str::to_owned).collect()
        }
        Err(_) => Vec::new(),
    };
    Identity::Tls(Arc::new(Certificate {
        names,
        fingerprint: Sha256::digest(shown).into(),
    }))
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            State::Accepting(_) => "TlsStream(accepting)",
            State::Accepted(_) => "TlsStream(accepted)",
            State::Dialled(..) => "TlsStream(dialled)",
            State::Failed(_) => "TlsStream(failed)",
        })
    }
}
