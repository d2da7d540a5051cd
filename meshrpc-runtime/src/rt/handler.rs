//! The frame around each call of a generated handler.

use std::{fmt, future::Future};

use crate::{
    client::Answer,
    codec::{DecodeError, EncodeError},
    contract::MethodSpec,
    discovery::BoxFuture,
    error::Error,
    server::{Request, Response},
    wire::Codec,
};

/// How the answer to a request has to be written; all that is kept of it while the method runs.
#[derive(Clone, Copy)]
pub struct Replier {
    pub(super) codec: Codec,
    pub(super) method: &'static MethodSpec,
}

/// Lets go of the request, and of the bytes of its arguments, once they are decoded.
#[expect(clippy::needless_pass_by_value, reason = "the request ends here")]
pub fn reply_to(request: Request) -> Replier {
    Replier {
        codec: request.codec(),
        method: request.method(),
    }
}

/// Boxes the work on one request; arguments that cannot be decoded are answered with that.
pub fn answer<F>(work: F) -> BoxFuture<'static, Response>
where
    F: Future<Output = Result<Response, DecodeError>> + Send + 'static,
{
    Box::pin(async move {
        match work.await {
            Ok(response) => response,
            Err(error) => Response::invalid_argument(error),
        }
    })
}

/// Accepts a call: the caller is told at once, and `work` is done after that.
///
/// # Errors
/// Never.
pub fn accept<F>(reply: Replier, work: F) -> Result<Response, DecodeError>
where
    F: Future<Output = ()> + Send + 'static,
{
    Ok(Response::accepted(
        reply.codec,
        reply.method,
        Box::pin(work),
    ))
}

/// Tells of an error that nobody waits for.
pub fn unheard(reply: Replier, error: &str) {
    tracing::warn!(method = reply.method.name, error, "an accepted call failed");
}

/// Tells of a call that was not accepted, where the caller cannot be told.
pub fn cast(answer: Result<Answer, Error>) {
    let error = match answer {
        Ok(Answer::Value(_)) => return,
        Ok(Answer::Failed(failure)) => failure.into_error(),
        Err(error) => error,
    };
    tracing::warn!(%error, "a call was not accepted");
}

/// The answer to a call of a method that this contract has not.
pub fn unknown_method() -> BoxFuture<'static, Response> {
    Box::pin(std::future::ready(Response::unknown_method()))
}

/// Arguments of a method that has none.
///
/// # Errors
/// Never.
pub fn no_arguments() -> Result<(), EncodeError> {
    Ok(())
}

impl fmt::Debug for Replier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replier")
            .field("method", &self.method.name)
            .field("codec", &self.codec)
            .finish()
    }
}
