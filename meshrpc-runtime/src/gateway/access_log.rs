//! One line per request: status, latency, peer, method, path.

use std::{
    task::{Context, Poll},
    time::Instant,
};

use http::{Method, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::PeerAddress;
use crate::{connection, discovery::BoxFuture};

/// The status of a request that nobody waits for any more.
const GIVEN_UP: u16 = 499;

/// A tower layer that logs every request when its response begins, as a `tracing` event of level
/// info and target `meshrpc::access`. One that is given up before has status 499.
/// [`serve`](super::serve) has it already.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessLog;

/// A service whose requests are logged.
#[derive(Clone, Debug)]
pub struct Logged<S>(S);

impl<S> Layer<S> for AccessLog {
    type Service = Logged<S>;

    fn layer(&self, inner: S) -> Logged<S> {
        Logged(inner)
    }
}

impl<S, A, B> Service<Request<A>> for Logged<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<B>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let line = Line {
            status: GIVEN_UP,
            begun: connection::now(),
            peer: request.extensions().get::<PeerAddress>().copied(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
        };
        let response = self.0.call(request);
        Box::pin(async move {
            // All of it: a block takes only the fields that it names.
            let mut line = line;
            let response = response.await;
            line.status = response
                .as_ref()
                .map_or(0, |response| response.status().as_u16());
            response
        })
    }
}

/// Written when it is dropped: a request whose client goes away ends by that alone.
struct Line {
    status: u16,
    begun: Instant,
    peer: Option<PeerAddress>,
    method: Method,
    path: String,
}

impl Drop for Line {
    fn drop(&mut self) {
        let latency = self.begun.elapsed();
        let peer = self.peer;
        let peer = peer.map_or_else(|| "-".to_owned(), |peer| peer.0.to_string());
        let (status, method, path) = (self.status, &self.method, &self.path);
        tracing::info!(target: "meshrpc::access", "{status} {latency:?} {peer} {method} {path}");
    }
}
