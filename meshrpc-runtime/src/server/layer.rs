//! Tower layers around a handler.

use std::{
    convert::Infallible,
    error::Error as StdError,
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use tower_layer::Layer;
use tower_service::Service;

use crate::{
    contract::ServiceSpec,
    discovery::BoxFuture,
    error::Started,
    server::{Handler, Quota, Request, Response},
};

/// Puts layers around handlers.
pub trait HandlerExt: Handler + Sized {
    /// This handler behind `layer`. The layered service is cloned for each call; a layer that keeps
    /// state between calls shares it between its clones, as tower's own do.
    ///
    /// An error of the layer fails the call. If it is a [`meshrpc::Error`](crate::Error), kind,
    /// code and started are the caller's to see; otherwise the call fails as `Internal`, certainly
    /// not started if the layer was not ready, perhaps started if it was.
    fn layer<L>(self, layer: L) -> Layered<L::Service>
    where
        L: Layer<HandlerService<Self>>,
        Layered<L::Service>: Handler,
    {
        let (spec, quota) = (self.spec(), self.quota());
        Layered {
            spec,
            quota,
            service: layer.layer(HandlerService {
                handler: Arc::new(self),
            }),
        }
    }

    /// This handler, for as many calls as `quota` allows. A call over it is refused before layers
    /// and handler see it, and is safe to be made again. Without this only the server's
    /// [`Limits`](crate::Limits) hold.
    ///
    /// ```
    /// # use meshrpc::mesh_service;
    /// # #[mesh_service]
    /// # pub trait Greeter { async fn greet(&self, name: &str) -> anyhow::Result<String>; }
    /// # struct Polite;
    /// # impl Greeter for Polite {
    /// #     async fn greet(&self, name: &str) -> anyhow::Result<String> { Ok(name.to_owned()) }
    /// # }
    /// use meshrpc::{HandlerExt as _, Server, server::Quota};
    ///
    /// let greeter = GreeterHandler::new(Polite).within(Quota::new().calls(64).rate(1_000, 50));
    /// let server = Server::builder().service(greeter).build();
    /// ```
    fn within(self, quota: Quota) -> Within<Self> {
        Within {
            handler: self,
            quota,
        }
    }
}

impl<H: Handler> HandlerExt for H {}

/// A handler with a quota.
#[derive(Clone, Debug)]
pub struct Within<H> {
    handler: H,
    quota: Quota,
}

impl<H: Handler> Handler for Within<H> {
    fn spec(&self) -> &'static ServiceSpec {
        self.handler.spec()
    }

    fn call(&self, request: Request) -> BoxFuture<'static, Response> {
        self.handler.call(request)
    }

    fn quota(&self) -> Quota {
        self.quota
    }
}

/// A handler as a tower service.
pub struct HandlerService<H> {
    handler: Arc<H>,
}

/// A handler behind layers.
#[derive(Clone)]
pub struct Layered<S> {
    spec: &'static ServiceSpec,
    quota: Quota,
    service: S,
}

impl<H> Clone for HandlerService<H> {
    fn clone(&self) -> Self {
        Self {
            handler: Arc::clone(&self.handler),
        }
    }
}

impl<H: Handler> Service<Request> for HandlerService<H> {
    type Response = Response;
    type Error = Infallible;
    type Future = Infallibly;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Infallibly {
        Infallibly(self.handler.call(request))
    }
}

/// The future of a [`HandlerService`].
pub struct Infallibly(BoxFuture<'static, Response>);

impl Future for Infallibly {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl<S> Handler for Layered<S>
where
    S: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    S::Future: Send,
{
    fn spec(&self) -> &'static ServiceSpec {
        self.spec
    }

    fn quota(&self) -> Quota {
        self.quota
    }

    fn call(&self, request: Request) -> BoxFuture<'static, Response> {
        let mut service = self.service.clone();
        Box::pin(async move {
            if let Err(error) = poll_fn(|cx| service.poll_ready(cx)).await {
                return Response::of_layer(&*error.into(), Started::No);
            }
            match service.call(request).await {
                Ok(response) => response,
                Err(error) => Response::of_layer(&*error.into(), Started::Unknown),
            }
        })
    }
}

impl<H> fmt::Debug for HandlerService<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerService").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Layered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layered")
            .field("contract", &self.spec.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::{Code, Error, Kind},
        server::testing::{ECHO, Echo, head, request},
    };

    /// Lets calls with a token pass.
    #[derive(Clone)]
    struct Guard<S>(S);

    struct GuardLayer;

    impl<S> Layer<S> for GuardLayer {
        type Service = Guard<S>;

        fn layer(&self, inner: S) -> Guard<S> {
            Guard(inner)
        }
    }

    impl<S> Service<Request> for Guard<S>
    where
        S: Service<Request, Response = Response, Error = Infallible>,
        S::Future: Send + 'static,
    {
        type Response = Response;
        type Error = Error;
        type Future = BoxFuture<'static, Result<Response, Error>>;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
            self.0.poll_ready(cx).map_err(|never| match never {})
        }

        fn call(&mut self, request: Request) -> Self::Future {
            if request.metadata().get("token").is_none() {
                return Box::pin(async { Err(Error::new(Kind::Denied, "no token")) });
            }
            let inner = self.0.call(request);
            Box::pin(async { inner.await.map_err(|never| match never {}) })
        }
    }

    #[tokio::test]
    async fn a_layer_sees_the_request_and_may_refuse_it() {
        let handler = Echo.layer(GuardLayer);
        assert_eq!(handler.spec().name, ECHO.name);
        let asked = |token: bool| {
            let mut head = head(&ECHO.methods[0]);
            if token {
                head.metadata.push("token", "t");
            }
            request(head)
        };
        assert_eq!(handler.call(asked(true)).await.code(), None);
        assert_eq!(
            handler.call(asked(false)).await.code(),
            Some(Code::PermissionDenied)
        );
    }
}
