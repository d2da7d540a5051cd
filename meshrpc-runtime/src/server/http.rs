//! Serves ordinary HTTP handlers as the contract `meshrpc.http`.

use std::{error::Error as StdError, fmt::Display, future::poll_fn};

use http_body::Body as HttpBody;
use tower_service::Service;

use super::{StreamHandler, StreamRequest};
use crate::{
    connection::{IncomingBody, Responder},
    contract::ServiceSpec,
    discovery::BoxFuture,
    error::Started,
    http::{Body, Broken, HTTP, Incoming, RequestHead, ResponseHead, send_body, send_head},
    wire::{Codec, Reason, ReplyHead, Status},
};

/// A tower service of HTTP requests, as a handler of streams.
pub(crate) struct HttpHandler<S>(pub(crate) S);

impl<S, B> StreamHandler for HttpHandler<S>
where
    S: Service<http::Request<Body>, Response = http::Response<B>>,
    S: Clone + Send + Sync + 'static,
    S::Error: Display + Send,
    S::Future: Send,
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    fn spec(&self) -> &'static ServiceSpec {
        &HTTP
    }

    fn call(&self, request: StreamRequest) -> BoxFuture<'static, ()> {
        let service = self.0.clone();
        Box::pin(async move {
            let StreamRequest {
                body, responder, ..
            } = request;
            match read(body).await {
                Ok(request) => answer(service, request, responder).await,
                Err(why) => {
                    let status = Status::refusal(Reason::InvalidArgument, Started::No, why);
                    responder.status(status);
                }
            }
        })
    }
}

async fn read(body: IncomingBody) -> Result<http::Request<Body>, String> {
    let IncomingBody::Stream(stream) = body else {
        return Err("an HTTP request is a stream".to_owned());
    };
    let mut incoming = Incoming::new(stream);
    let head = incoming.head().await.map_err(|error| error.to_string())?;
    let head = RequestHead::decode(&head).map_err(|error| error.to_string())?;
    head.into_request(incoming.into_body())
        .map_err(|error| error.to_string())
}

async fn answer<S, B>(mut service: S, request: http::Request<Body>, responder: Responder)
where
    S: Service<http::Request<Body>, Response = http::Response<B>>,
    S::Error: Display,
    B: HttpBody,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let response = match poll_fn(|cx| service.poll_ready(cx)).await {
        Ok(()) => service.call(request).await,
        Err(error) => Err(error),
    };
    let response = match response {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "an HTTP handler failed");
            let message = "the HTTP handler failed";
            return responder.status(Status::refusal(Reason::Panicked, Started::Yes, message));
        }
    };
    let (parts, body) = response.into_parts();
    let head = ReplyHead::new(Codec::FieldNamed);
    let mut stream = responder.stream(&head);
    let sent = match send_head(&mut stream, &ResponseHead::of(&parts)).await {
        Ok(()) => send_body(&mut stream, body)
            .await
            .map_err(Broken::into_error),
        Err(error) => Err(error),
    };
    match sent {
        Ok(()) => stream.finish(),
        Err(error) => {
            let message = error.to_string();
            stream.fail(Status::refusal(Reason::Panicked, Started::Yes, message));
        }
    }
}
