//! Which handlers serve which contracts, and within which limits.

use std::{fmt, sync::Arc};

use crate::{
    error::Error,
    server::{
        Handler, Limits, StreamHandler,
        describe::Describe,
        ping::Ping,
        routes::{Routes, Target},
    },
};

#[cfg(feature = "tls")]
use crate::transport::tls::ServerTls;

/// Handlers and limits. [`Mesh::serve`](crate::Mesh::serve) runs it.
#[must_use = "a server does nothing until a mesh serves it"]
pub struct Server {
    targets: Vec<Target>,
    pub(crate) limits: Limits,
    pub(crate) insecure: bool,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<ServerTls>,
}

/// Builds a [`Server`].
#[must_use = "a server does nothing until a mesh serves it"]
pub struct ServerBuilder {
    server: Server,
}

impl Server {
    /// A server of nothing yet.
    pub fn builder() -> ServerBuilder {
        let targets = vec![Target::Call(Arc::new(Ping))];
        ServerBuilder {
            server: Server {
                targets,
                limits: Limits::default(),
                insecure: false,
                #[cfg(feature = "tls")]
                tls: None,
            },
        }
    }

    /// Whether callers wait for some of the methods on their own threads.
    pub(crate) fn has_blocking_methods(&self) -> bool {
        self.targets
            .iter()
            .any(|target| target.spec().methods.iter().any(|method| method.blocking))
    }

    pub(crate) fn routes(&self) -> Result<Routes, Error> {
        let mut targets = self.targets.clone();
        let described = targets
            .iter()
            .map(|target| target.spec().describe())
            .collect();
        targets.push(Target::Call(Arc::new(Describe(described))));
        Routes::new(&targets)
    }
}

impl ServerBuilder {
    /// Serves a contract. Contracts are told apart by name; one that occurs twice, and two methods
    /// with the same key, are an error when the server starts.
    pub fn service(mut self, handler: impl Handler) -> Self {
        self.server.targets.push(Target::Call(Arc::new(handler)));
        self
    }

    /// Serves a contract whose calls are streams.
    pub fn stream_service(mut self, handler: impl StreamHandler) -> Self {
        self.server.targets.push(Target::Stream(Arc::new(handler)));
        self
    }

    /// Publishes ordinary HTTP handlers beside the contracts, such as an axum `Router`: a tower
    /// service of requests. They are reached as the contract `meshrpc.http`, through
    /// [`Channel::http`](crate::Channel::http) or a gateway.
    #[cfg(feature = "http")]
    pub fn http<S, B>(self, service: S) -> Self
    where
        S: tower_service::Service<http::Request<crate::http::Body>, Response = http::Response<B>>,
        S: Clone + Send + Sync + 'static,
        S::Error: fmt::Display + Send,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.stream_service(super::http::HttpHandler(service))
    }

    /// Sets what callers may use.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.server.limits = limits;
        self
    }

    /// Listens with TLS where it listens on TCP; a mesh may say so as well (`static+tls:`), unless
    /// this does. It makes an address that other machines can reach safe.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.server.tls = Some(tls);
        self
    }

    /// Allows an address that other machines can reach, where calls are neither encrypted nor is
    /// it known who makes them. Without this, TLS or
    /// [shared keys](crate::Mesh::keys) such an address is refused when the server starts. Keys
    /// tell who may connect, and encrypt nothing.
    pub fn insecure(mut self) -> Self {
        self.server.insecure = true;
        self
    }

    /// The server.
    pub fn build(self) -> Server {
        self.server
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field(
                "contracts",
                &self
                    .targets
                    .iter()
                    .map(|target| target.spec().name)
                    .collect::<Vec<_>>(),
            )
            .field("limits", &self.limits)
            .field("insecure", &self.insecure)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}
