//! A layer that says its instance is unavailable.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use meshrpc::{
    Error, Kind,
    discovery::BoxFuture,
    server::{Request, Response},
};
use tower_layer::Layer;
use tower_service::Service;

/// While this is set, every call is answered so, and none is started.
#[derive(Clone, Debug)]
pub(crate) struct Sickness(pub(crate) Arc<AtomicBool>);

/// A handler behind it.
#[derive(Clone)]
pub(crate) struct Patient<S> {
    inner: S,
    sickness: Sickness,
}

impl<S> Layer<S> for Sickness {
    type Service = Patient<S>;

    fn layer(&self, inner: S) -> Patient<S> {
        Patient {
            inner,
            sickness: self.clone(),
        }
    }
}

impl<S> Service<Request> for Patient<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.sickness.0.load(Ordering::Relaxed) {
            return Poll::Ready(Err(Error::new(Kind::Unavailable, "it is sick")));
        }
        self.inner.poll_ready(cx).map_err(|never| match never {})
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answer = self.inner.call(request);
        Box::pin(async { answer.await.map_err(|never| match never {}) })
    }
}
