//! An HTTP/1.1 server around a service.

use std::{
    convert::Infallible, error::Error as StdError, future::Future, io, net::SocketAddr, pin::pin,
    time::Duration,
};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tower_layer::Layer;
use tower_service::Service;

use super::AccessLog;

/// How long requests under way may take once the end has come.
const DRAIN: Duration = Duration::from_secs(20);
/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(10);
/// Pause after an accept that failed for want of something.
const PAUSE: Duration = Duration::from_millis(100);

/// Who sent a request; an extension of requests that [`serve`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// Serves `service`, such as a [`Gateway`](super::Gateway) or an axum `Router`, with an access log,
/// until `end` resolves; then requests under way get 20 s to finish.
///
/// # Errors
/// If the listener's address cannot be told.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    end: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    tracing::info!(address = %listener.local_addr()?, "HTTP listening");
    let service = AccessLog.layer(service);
    let (ending, _) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut end = pin!(end);
    loop {
        tokio::select! {
            () = &mut end => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, service.clone(), ending.subscribe()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept HTTP connections: trying on");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    ending.send_replace(true);
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, finished).await.is_err() {
        tracing::warn!("HTTP requests were cut: the drain's time was over");
    }
    Ok(())
}

async fn connection<S, B>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    mut ending: watch::Receiver<bool>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    // It fails when the peer is gone, which its first read tells better.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddress(peer));
        let mut service = service.clone();
        async move {
            std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = async { let _ = ending.wait_for(|ending| *ending).await; } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "HTTP connection ended");
    }
}
