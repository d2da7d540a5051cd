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
    http::{Body, Broken, HTTP, Incoming, RequestHead, ResponseHead, Upload, send_body, send_head},
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
        B: HttpBody + Send + 'static,
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
                    answer(reply).await
                }
                Ok(()) => match body.take() {
                    Some(body) => exchange(out, reply, body).await,
                    None => answer(reply).await,
                },
                // The reply tells why.
                Err(_) => answer(reply).await,
            };
            let failure = match result {
                Ok((stream, upload)) => {
                    lane.success();
                    let mut incoming = Incoming::new(stream).with_upload(upload);
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

async fn answer(reply: StreamReply) -> Result<(RecvStream, Option<Upload>), CallFailure> {
    Ok((reply.head().await?.1, None))
}

/// Sends the body while the response is awaited. The response may come first; then the rest of the
/// body is sent while the response is read, for a handler may answer from what it reads.
async fn exchange<B>(
    out: SendStream,
    reply: StreamReply,
    body: B,
) -> Result<(RecvStream, Option<Upload>), CallFailure>
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let mut reply = pin!(reply.head());
    let mut upload: Upload = Box::pin(upload(out, body));
    let sent = tokio::select! {
        biased;
        replied = &mut reply => return replied.map(|(_, stream)| (stream, Some(upload))),
        sent = &mut upload => sent,
    };
    match sent {
        Err(Broken::Body(cause)) => Err(CallFailure::Lost {
            started: Started::Unknown,
            cause,
        }),
        // A callee that takes no more says why in its answer.
        Ok(()) | Err(Broken::Stream(_)) => Ok((reply.await?.1, None)),
    }
}

async fn upload<B>(mut out: SendStream, body: B) -> Result<(), Broken>
where
    B: HttpBody,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    send_body(&mut out, body).await?;
    out.finish();
    Ok(())
}
