//! HTTP requests to the handlers of a deployment, over the mesh.

use std::{error::Error as StdError, ops::ControlFlow, pin::pin};

use http_body::Body as HttpBody;

use super::{
    Channel,
    outgoing::Outgoing,
    progress::{Opened, Progress},
};
use crate::{
    connection::{CallFailure, RecvStream, SendStream, StreamReply},
    context::Context,
    error::{Error, Kind, Started},
    http::{Body, Broken, HTTP, Incoming, RequestHead, ResponseHead, send_body, send_head},
    wire::ReplyHead,
};

impl Channel {
    /// Sends an HTTP request to an instance of the deployment, on a channel of the contract
    /// [`HTTP`]. Scheme and host of its target are not looked at.
    ///
    /// A request that certainly did not reach a handler is sent to another instance if it has no
    /// body; one that may have is not, whatever its method.
    ///
    /// # Errors
    /// If no response began. One that breaks off says so at its body's end.
    pub async fn http<B>(&self, request: http::Request<B>) -> Result<http::Response<Body>, Error>
    where
        B: HttpBody + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let head = RequestHead::of(&parts);
        let outgoing = Outgoing::new(self, &HTTP.methods[0]);
        let context = Context::current();
        let mut progress = Progress::new(&outgoing, &context)?;
        let mut body = Some(body);
        loop {
            let Opened {
                lane,
                mut out,
                reply,
            } = progress.open(&context).await?;
            let replayable = body.as_ref().is_none_or(HttpBody::is_end_stream);
            let result = match send_head(&mut out, &head).await {
                Ok(()) if replayable => {
                    out.finish();
                    reply.head().await
                }
                Ok(()) => exchange(out, reply, body.take()).await,
                // The reply tells why.
                Err(_) => reply.head().await,
            };
            let failure = match result {
                Ok((_, stream)) => {
                    lane.success();
                    let mut incoming = Incoming::new(stream);
                    let head = ResponseHead::decode(&incoming.head().await?)?;
                    return head.into_response(incoming.into_body());
                }
                Err(failure) => failure,
            };
            match progress.next(&lane, failure) {
                ControlFlow::Continue(next) if replayable && !next.field_named => {
                    progress.prepare(&lane, next).await?;
                }
                ControlFlow::Continue(_) => return Err(progress.take_last()),
                ControlFlow::Break(Err(error)) => return Err(error),
                ControlFlow::Break(Ok(_)) => {
                    return Err(Error::new(
                        Kind::Protocol,
                        "a reply of another kind than HTTP",
                    ));
                }
            }
        }
    }
}

/// Sends the body while the response is awaited: it may come first.
async fn exchange<B>(
    mut out: SendStream,
    reply: StreamReply,
    body: Option<B>,
) -> Result<(ReplyHead, RecvStream), CallFailure>
where
    B: HttpBody + Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let mut reply = pin!(reply.head());
    let sent = {
        let send = async {
            match body {
                Some(body) => send_body(&mut out, body).await,
                None => Ok(()),
            }
        };
        let mut send = pin!(send);
        tokio::select! {
            biased;
            // Whatever of the body was not sent is of no use to the callee.
            replied = &mut reply => return replied,
            sent = &mut send => sent,
        }
    };
    match sent {
        Ok(()) => {
            out.finish();
            reply.await
        }
        Err(Broken::Body(cause)) => Err(CallFailure::Lost {
            started: Started::Unknown,
            cause,
        }),
        // The callee takes no more: its answer tells why.
        Err(Broken::Stream(_)) => reply.await,
    }
}
