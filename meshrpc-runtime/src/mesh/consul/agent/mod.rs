//! The HTTP interface of a Consul agent, as far as a mesh needs it, for 1.8 to 1.22.
//!
//! Every request has an end: connecting, answering and an answer's size are bounded, and what an
//! agent may answer, it may answer wrongly. A status is judged by the agent's own words where its
//! versions differ in the number.
//!
//! # Layout
//! - `request`: one request, and how to speak of it
//! - `exchange`: requests and answers over connections that are kept; what a status means
//! - `connect`: TCP, TLS, Unix sockets
//! - `error`: what can go wrong
//! - `answers`: what comes back, from JSON
//! - `services`: registration, checks, maintenance
//! - `health`: lists of instances
//! - `certificates`: roots, leaves, and who may use them
//! - `permissions`: intentions, tokens

mod answers;
mod certificates;
mod connect;
mod error;
mod exchange;
mod health;
mod permissions;
mod request;
mod services;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::HeaderMap;
use serde::de::DeserializeOwned;
use tokio::{runtime::Handle, task::JoinHandle};

pub use answers::{
    About, Authorization, CheckStatus, CheckView, Entry, Leaf, NodeView, ProxyView, Root, Roots,
    ServiceView, Weights, release,
};
pub use error::{AgentError, Trouble};
pub use health::{Answer, Lookup};
pub use permissions::Right;

use self::{
    connect::Tls,
    exchange::{Exchange, Reply},
    request::Request,
};
use super::{
    token::TokenFile,
    url::{Options, Place},
};
use crate::{blocking, error::Error};

/// A client of one Consul agent. Clones share connections, token and limits.
///
/// Its connections live on this crate's own I/O thread, so that it can be used from any runtime,
/// whatever becomes of that. A request that is dropped is given up.
#[derive(Clone)]
pub struct Agent {
    exchange: Arc<Exchange>,
    runtime: Handle,
    datacenter: Option<String>,
    namespace: Option<String>,
    address: Arc<str>,
}

impl Agent {
    /// The agent that `options` name. Nothing is asked of it yet.
    ///
    /// # Errors
    /// If a certificate, a key or the token cannot be read, or there is no I/O thread.
    pub fn new(options: &Options) -> Result<Agent, Error> {
        let tls = options.tls.as_ref().map(Tls::new).transpose()?;
        let token = options.token_file.as_deref().map(TokenFile::open);
        let token = token.transpose()?;
        let addresses: Vec<String> = options.places.iter().map(Place::to_string).collect();
        Ok(Agent {
            exchange: Arc::new(Exchange::new(
                options.places.clone(),
                tls,
                token,
                options.timeout,
            )),
            runtime: blocking::io()?,
            datacenter: options.datacenter.clone(),
            namespace: options.namespace.clone(),
            address: addresses.join(", ").into(),
        })
    }

    /// The agent's address, for messages.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether it was last reached over a network, and without TLS: then a token, and the keys that
    /// an agent hands out, can be heard there. False before it was asked.
    pub fn is_exposed(&self) -> bool {
        self.exchange.is_exposed()
    }

    /// Which agent it is. Where ACLs are on, it needs `agent:read`.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub async fn about(&self) -> Result<About, AgentError> {
        let request = Request::get("agent/self", "asking which agent it is");
        self.value(request.needs("agent:read")).await
    }

    /// The address of the leader of the agent's servers, `None` while there is none.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub async fn leader(&self) -> Result<Option<String>, AgentError> {
        let request = Request::get("status/leader", "asking for the leader");
        let leader: String = self.value(request).await?;
        Ok(Some(leader).filter(|leader| !leader.is_empty()))
    }

    /// The agent's clock, to the second, if its answer says.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub async fn date(&self) -> Result<Option<SystemTime>, AgentError> {
        let request = Request::get("status/leader", "asking for the time");
        let headers = self.send(request).await?.headers;
        let date = headers.get(http::header::DATE);
        Ok(date.and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok()))
    }

    /// Makes sure that the agent's servers have a leader: before, what they say may be old or
    /// incomplete.
    ///
    /// # Errors
    /// As [`Trouble`] says; [`Trouble::NoLeader`] while there is none.
    pub async fn require_leader(&self) -> Result<(), AgentError> {
        match self.leader().await? {
            Some(_) => Ok(()),
            None => {
                let text = "no leader is elected".to_owned();
                Err(self.error(
                    "asking for the leader".to_owned(),
                    Trouble::NoLeader { text },
                ))
            }
        }
    }

    /// Any other path below `/v1/`, with the token, connections and limits of this client:
    /// the body of an answer with a status of success, which may be empty.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub async fn raw(
        &self,
        method: http::Method,
        path: &str,
        body: impl Into<bytes::Bytes>,
    ) -> Result<bytes::Bytes, AgentError> {
        let mut request = Request::get("", format!("{method} {path}")).large();
        request.target.push_str(path.trim_start_matches('/'));
        request.method = method;
        request.body = body.into();
        Ok(self.send(request).await?.body)
    }

    /// The same, asked about its own datacenter: where it registers.
    pub(super) fn at_home(&self) -> Agent {
        Agent {
            datacenter: None,
            ..self.clone()
        }
    }

    /// The agent as Consul's own commands are told of it: what `CONSUL_HTTP_ADDR` takes.
    pub(super) fn variable(&self) -> String {
        let place = self.exchange.place();
        match (place, &self.exchange.tls) {
            (Some(Place::Unix(path)), _) => format!("unix://{}", path.display()),
            (Some(place), Some(_)) => format!("https://{place}"),
            (Some(place), None) => place.to_string(),
            (None, _) => String::new(),
        }
    }

    /// The host of the agent, as far as it has one.
    pub(super) fn host(&self) -> String {
        match self.exchange.place() {
            Some(Place::Tcp { host, .. }) if host.contains(':') => format!("[{host}]"),
            Some(Place::Tcp { host, .. }) => host.clone(),
            _ => "127.0.0.1".to_owned(),
        }
    }

    /// The token as it is now, for commands that need it. It touches a file.
    pub(super) fn token(&self) -> Option<String> {
        let token = self.exchange.token.as_ref()?.current();
        Some(token.expose().to_owned())
    }

    async fn send(&self, request: Request) -> Result<Reply, AgentError> {
        let request = request.query_if("ns", self.namespace.as_deref());
        let exchange = Arc::clone(&self.exchange);
        let what = request.what.clone();
        let asked = self
            .runtime
            .spawn(async move { exchange.ask(&request).await });
        let result = match Asked(asked).await {
            Ok(result) => result,
            Err(_) => Err(Trouble::Local {
                reason: "the I/O thread is gone".to_owned(),
            }),
        };
        result.map_err(|trouble| self.error(what, trouble))
    }

    /// The answer's JSON.
    async fn value<T: DeserializeOwned>(&self, request: Request) -> Result<T, AgentError> {
        Ok(self.listed(request).await?.0)
    }

    async fn listed<T: DeserializeOwned>(
        &self,
        request: Request,
    ) -> Result<(T, HeaderMap), AgentError> {
        let what = request.what.clone();
        let reply = self.send(request).await?;
        match serde_json::from_slice(&reply.body) {
            Ok(value) => Ok((value, reply.headers)),
            // The error tells a place and a kind, none of the text: a leaf's key may stand there.
            Err(error) => {
                let reason = format!(
                    "line {}, column {}: {:?} error in JSON",
                    error.line(),
                    error.column(),
                    error.classify()
                );
                Err(self.error(what, Trouble::Malformed { reason }))
            }
        }
    }

    fn error(&self, request: String, trouble: Trouble) -> AgentError {
        AgentError {
            request,
            agent: self.address.to_string(),
            trouble,
        }
    }

    fn wait_limit(&self, wait: Duration) -> Duration {
        // The longest that agents wait.
        wait.min(Duration::from_secs(600))
    }
}

/// A request on the I/O thread, given up when nobody waits for it any more.
struct Asked<T>(JoinHandle<T>);

impl<T> Future for Asked<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("address", &self.address)
            .field("token", &self.exchange.token)
            .finish_non_exhaustive()
    }
}
