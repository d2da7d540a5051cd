//! From a request to its answer.

use std::{
    collections::HashMap,
    convert::Infallible,
    error::Error as StdError,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tower_service::Service;

use super::{
    catalogue::{Catalogue, Found},
    failure::{self, problem},
};
use crate::{
    client::{Answer, Call, Channel},
    discovery::BoxFuture,
    error::{Code, Error},
    http::Body,
    mesh::Mesh,
    wire::Codec,
};

/// Largest JSON body taken unless set.
const MAX_BODY: usize = 16 << 20;
/// The header with the session key.
const SESSION: &str = "x-meshrpc-session";

/// A tower service that answers HTTP requests by calls into the mesh. Clones share everything.
#[derive(Clone)]
pub struct Gateway {
    deployments: Arc<HashMap<String, Catalogue>>,
    max_body: usize,
}

/// Says which deployments a [`Gateway`] reaches.
#[must_use = "a gateway is built by `build`"]
pub struct GatewayBuilder {
    deployments: HashMap<String, Catalogue>,
    max_body: usize,
}

impl Gateway {
    /// A gateway to nothing yet.
    pub fn builder() -> GatewayBuilder {
        GatewayBuilder::default()
    }

    async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let path = request.uri().path().to_owned();
        let (deployment, rest) = path
            .trim_start_matches('/')
            .split_once('/')
            .unwrap_or_default();
        let Some(catalogue) = self.deployments.get(deployment) else {
            let message = format!("no deployment `{deployment}` is reached through this gateway");
            return problem(StatusCode::NOT_FOUND, Code::NotFound, &message);
        };
        let session = request
            .headers()
            .get(SESSION)
            .and_then(|key| key.to_str().ok());
        let session = session.map(str::to_owned);
        let found = match catalogue.find(request.method(), rest).await {
            Ok(found) => found,
            Err(error) => return failure::response(&error, None),
        };
        let answer = match found {
            Found::Method(channel, method) => {
                let (_, body) = request.into_parts();
                let channel = in_session(&channel, session);
                match collect(body, self.max_body).await {
                    Ok(body) => {
                        return called(channel.call(method).raw(Codec::Json, body).await);
                    }
                    Err(refused) => return *refused,
                }
            }
            Found::Http(channel) => {
                let channel = in_session(&channel, session);
                match inner(request, rest) {
                    Some(request) => match channel.http(request).await {
                        Ok(response) => return explained(response, deployment, rest).await,
                        Err(error) => Err(error),
                    },
                    None => {
                        return problem(
                            StatusCode::BAD_REQUEST,
                            Code::InvalidArgument,
                            "the path is none",
                        );
                    }
                }
            }
            Found::Streaming => {
                let message =
                    format!("`{rest}` streams, which a POST cannot: call it through its client");
                return problem(StatusCode::NOT_IMPLEMENTED, Code::Unimplemented, &message);
            }
            Found::Ambiguous(contracts) => {
                let message = format!(
                    "more than one contract has a method `{rest}`: call it as `{}`",
                    contracts
                        .iter()
                        .map(|name| format!("{name}.{rest}"))
                        .collect::<Vec<_>>()
                        .join("` or `")
                );
                return problem(StatusCode::BAD_REQUEST, Code::InvalidArgument, &message);
            }
            Found::Nothing => {
                return nothing(deployment, rest);
            }
        };
        answer.unwrap_or_else(|error| failure::response(&error, None))
    }
}

impl GatewayBuilder {
    /// Reaches `deployment` of `mesh`, under its name.
    pub fn deployment(mut self, mesh: &Mesh, deployment: &str) -> Self {
        self.deployments
            .insert(deployment.to_owned(), Catalogue::new(mesh, deployment));
        self
    }

    /// Takes JSON bodies of at most `bytes` for a method; 16 MiB unless set. A larger one is answered
    /// 413.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// The gateway.
    pub fn build(self) -> Gateway {
        Gateway {
            deployments: Arc::new(self.deployments),
            max_body: self.max_body,
        }
    }
}

impl Default for GatewayBuilder {
    fn default() -> Self {
        Self {
            deployments: HashMap::new(),
            max_body: MAX_BODY,
        }
    }
}

impl<B> Service<Request<B>> for Gateway
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let gateway = self.clone();
        Box::pin(async move { Ok(gateway.answer(request).await) })
    }
}

fn in_session(channel: &Channel, session: Option<String>) -> Channel {
    match session {
        Some(key) => channel.with(Call::new().session(key)),
        None => channel.clone(),
    }
}

/// The whole body, or the response that refuses it.
async fn collect<B>(body: B, max: usize) -> Result<Bytes, Box<Response<Body>>>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    match Limited::new(body, max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!(
                "the body has more than {max} bytes, the largest that this gateway takes \
                 (`GatewayBuilder::max_body`)"
            );
            Err(Box::new(problem(
                StatusCode::PAYLOAD_TOO_LARGE,
                Code::ResourceExhausted,
                &message,
            )))
        }
        Err(error) => {
            let message = format!("the body broke off: {error}");
            Err(Box::new(problem(
                StatusCode::BAD_REQUEST,
                Code::InvalidArgument,
                &message,
            )))
        }
    }
}

fn called(answer: Result<Answer, Error>) -> Response<Body> {
    match answer {
        Ok(Answer::Value(value)) => {
            let mut response = Response::new(Body::from(value.into_bytes()));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        }
        Ok(Answer::Failed(failed)) => {
            let detail = failed.json().map(<[u8]>::to_vec);
            failure::response(&failed.into_error(), detail.as_deref())
        }
        Err(error) => failure::response(&error, None),
    }
}

/// A 404 without a word, as routers give for a path they do not have, is given words.
async fn explained(mut response: Response<Body>, deployment: &str, rest: &str) -> Response<Body> {
    if response.status() == StatusCode::NOT_FOUND && response.body_mut().is_empty().await {
        return nothing(deployment, rest);
    }
    response
}

fn nothing(deployment: &str, rest: &str) -> Response<Body> {
    let message = format!(
        "`{deployment}` has neither a method `{rest}` to POST to, nor an HTTP handler for `/{rest}`"
    );
    problem(StatusCode::NOT_FOUND, Code::NotFound, &message)
}

/// The request as the instance sees it: without the deployment's name.
fn inner<B>(request: Request<B>, rest: &str) -> Option<Request<B>> {
    let (mut parts, body) = request.into_parts();
    let target = match parts.uri.query() {
        Some(query) => format!("/{rest}?{query}"),
        None => format!("/{rest}"),
    };
    parts.uri = target.parse().ok()?;
    if parts.method == Method::CONNECT {
        return None;
    }
    Some(Request::from_parts(parts, body))
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.deployments.keys()).finish()
    }
}

impl fmt::Debug for GatewayBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.deployments.keys()).finish()
    }
}
