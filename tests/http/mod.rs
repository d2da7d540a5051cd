//! A client of HTTP/1.1, one connection for each request.

mod curl;

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinHandle};

pub use curl::Curl;

/// A response that has begun. The connection is closed when this is dropped.
pub struct Begun {
    /// Head, and what comes after it.
    pub response: Response<Incoming>,
    _connection: Connection,
}

struct Connection(JoinHandle<()>);

/// Sends a request and waits until its response begins.
///
/// # Errors
/// If none does.
pub async fn begin(
    address: SocketAddr,
    request: Request<impl Into<Bytes>>,
) -> anyhow::Result<Begun> {
    let (mut parts, body) = request.into_parts();
    if !parts.headers.contains_key(http::header::HOST) {
        let host = address.to_string().parse()?;
        parts.headers.insert(http::header::HOST, host);
    }
    let request = Request::from_parts(parts, Full::new(body.into()));
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = Connection(tokio::spawn(async move {
        // The request or the response's body tell.
        let _ = connection.await;
    }));
    Ok(Begun {
        response: sender.send_request(request).await?,
        _connection: connection,
    })
}

/// Sends a request and waits for the whole response.
///
/// # Errors
/// If none comes, or not to its end.
pub async fn send(
    address: SocketAddr,
    request: Request<impl Into<Bytes>>,
) -> anyhow::Result<Response<Bytes>> {
    let begun = begin(address, request).await?;
    let (parts, body) = begun.response.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Response::from_parts(parts, body))
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}
