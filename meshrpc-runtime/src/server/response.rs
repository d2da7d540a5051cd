//! What a handler answers.

use std::{fmt, time::Duration};

use bytes::Bytes;
use serde::Serialize;
use serde_bytes::Bytes as ByteStr;

use super::streaming::Answering;
use crate::{
    codec::{self, Attached, DecodeError, EncodeError},
    connection::{Answers, Responder},
    contract::MethodSpec,
    discovery::BoxFuture,
    error::{Code, Error, Kind, Limit, Started},
    wire::{Body, Codec, Detail, Reason, ReplyHead, Retry, Status, buffers},
};

/// Longest message of a status, in bytes.
const MAX_MESSAGE: usize = 1024;

/// The answer to a call.
#[derive(Debug)]
pub struct Response(Outcome);

#[derive(Debug)]
enum Outcome {
    Reply(ReplyHead, Body),
    Status(Box<Status>),
    Accepted(ReplyHead, Body, Later),
    Stream(Answering),
    Ended,
}

/// What is done once the answer has gone.
struct Later(BoxFuture<'static, ()>);

impl Response {
    /// The method returned `value`. It is written as the request was, or with field names where the
    /// positional codec would corrupt it.
    pub fn value<T>(request: Codec, method: &'static MethodSpec, value: &T) -> Response
    where
        T: Serialize + ?Sized,
    {
        match written(request, method, value, codec::encode_reply) {
            Ok((codec, body)) => Response::reply(codec, body.into()),
            Err(error) => {
                let message = format!("the result of `{}` cannot be encoded: {error}", method.name);
                Response::of(Status::refusal(Reason::Encode, Started::Yes, message))
            }
        }
    }

    /// The method returned this byte string. The caller gets the same bytes as if it was a byte
    /// string of serde; but a long one is sent from where it is, where that can be.
    pub fn raw(request: Codec, method: &'static MethodSpec, bytes: &Bytes) -> Response {
        let codec = reply_codec(request, method);
        let (mut out, mut attached) = (Vec::new(), Attached::default());
        match attached.put(codec, bytes, &mut out) {
            true => Response::reply(codec, attached.into_body(out)),
            false => Response::value(request, method, ByteStr::new(bytes)),
        }
    }

    fn reply(codec: Codec, body: Body) -> Response {
        let head = ReplyHead::new(codec);
        Response(Outcome::Reply(head, body))
    }

    /// The method returned `error`, which crosses as a value. `message` is for callers that do not
    /// know its type. One that cannot be written crosses as `text`, outermost message first.
    pub(crate) fn typed_error_or<E>(
        request: Codec,
        method: &'static MethodSpec,
        error: &E,
        message: String,
        text: Vec<String>,
    ) -> Response
    where
        E: Serialize + ?Sized,
    {
        let detail = match written(request, method, error, codec::encode_failure) {
            Ok((codec, bytes)) => Detail::Typed {
                codec,
                bytes: bytes.into(),
            },
            Err(_) => Detail::Chain(text),
        };
        Response::of(Status::application(Code::Unknown, message, detail))
    }

    /// The same with this code, which callers and gateways see; `relayed` as for
    /// [`text_error`](Self::text_error).
    pub(crate) fn own_error(self, code: Option<Code>, relayed: Option<Code>) -> Response {
        let Outcome::Status(mut status) = self.0 else {
            return self;
        };
        status.code = code.or(relayed).or(status.code);
        status.relayed = relayed.is_some();
        Response(Outcome::Status(status))
    }

    /// The method returned an error that crosses as text, outermost message first. `relayed` is the
    /// code of a [`meshrpc::Error`](crate::Error) among its sources: the callee of this method's
    /// own call failed, which says nothing about whether this method ran.
    pub fn text_error(chain: Vec<String>, relayed: Option<Code>) -> Response {
        let message = chain.first().cloned().unwrap_or_default();
        let code = relayed.unwrap_or(Code::Unknown);
        let status = Status::application(code, message, Detail::Chain(chain));
        Response::of(Status {
            relayed: relayed.is_some(),
            ..status
        })
    }

    /// The arguments cannot be decoded.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "generated code has no use for it"
    )]
    pub fn invalid_argument(error: DecodeError) -> Response {
        let message = format!("invalid argument: {error}");
        Response::of(Status::refusal(
            Reason::InvalidArgument,
            Started::No,
            message,
        ))
    }

    /// The handler does not know the method.
    pub fn unknown_method() -> Response {
        Response::of(Status::refusal(
            Reason::UnknownMethod,
            Started::No,
            "unknown method",
        ))
    }

    /// The caller may not call this; for layers that stand before the handler.
    pub fn denied(message: impl Into<String>) -> Response {
        Response::of(Status::refusal(Reason::Denied, Started::No, message))
    }

    /// There is no room for the call now; for layers that stand before the handler. The caller's
    /// runtime may try another instance, after `retry_after` if that is given.
    pub fn overloaded(message: impl Into<String>, retry_after: Option<Duration>) -> Response {
        let status = Status::refusal(Reason::Overloaded, Started::No, message);
        let retry = retry_after.map_or(Retry::Unspecified, Retry::After);
        Response::of(Status { retry, ..status })
    }

    /// What a layer's own error says. `started` holds unless the error is a
    /// [`meshrpc::Error`](crate::Error), which knows better.
    pub(crate) fn of_layer(
        error: &(dyn std::error::Error + 'static),
        started: Started,
    ) -> Response {
        let Some(known) = error.downcast_ref::<Error>() else {
            let status = Status::application(Code::Internal, error.to_string(), Detail::None);
            return Response::of(Status { started, ..status });
        };
        let reason = match known.kind() {
            Kind::Denied => Reason::Denied,
            Kind::DeadlineExceeded => Reason::DeadlineExceeded,
            Kind::Refused {
                limit: Limit::Draining,
            } => Reason::Draining,
            Kind::Refused {
                limit: Limit::MessageSize,
            } => Reason::TooLarge,
            Kind::Refused { .. } => Reason::Overloaded,
            _ => Reason::Application,
        };
        let status = Status::refusal(reason, known.started(), known.to_string());
        let retry = known.retry_after().map_or(Retry::Unspecified, Retry::After);
        Response::of(Status {
            code: Some(known.code()),
            retry,
            ..status
        })
    }

    /// The call is accepted, which the caller is told; the work is done after that, whatever
    /// becomes of the caller. The answer is a unit.
    pub fn accepted(
        request: Codec,
        method: &'static MethodSpec,
        work: BoxFuture<'static, ()>,
    ) -> Response {
        match Response::value(request, method, &()).0 {
            Outcome::Reply(head, body) => Response(Outcome::Accepted(head, body, Later(work))),
            other => Response(other),
        }
    }

    /// The answer is a stream, which has yet to be sent.
    pub(super) fn stream(answering: Answering) -> Response {
        Response(Outcome::Stream(answering))
    }

    /// The answer has gone already; there is nothing to add.
    pub(crate) fn ended() -> Response {
        Response(Outcome::Ended)
    }

    /// The same with an entry that the caller finds beside the value.
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<Bytes>) -> Response {
        match &mut self.0 {
            Outcome::Reply(head, _) | Outcome::Accepted(head, ..) => head.metadata.push(key, value),
            Outcome::Status(status) => status.trailers.push(key, value),
            Outcome::Stream(answering) => answering.head.metadata.push(key, value),
            Outcome::Ended => {}
        }
        self
    }

    /// The code the caller will see; `None` for a value or a stream.
    pub fn code(&self) -> Option<Code> {
        match &self.0 {
            Outcome::Status(status) => status.code,
            _ => None,
        }
    }

    pub(crate) fn of(mut status: Status) -> Response {
        truncate(&mut status.message, MAX_MESSAGE);
        Response(Outcome::Status(Box::new(status)))
    }

    /// Whether it is more than an answer, or none.
    pub(crate) fn goes_on(&self) -> bool {
        !matches!(self.0, Outcome::Reply(..) | Outcome::Status(_))
    }

    /// Whether the arguments were found to be none.
    pub(crate) fn is_invalid_argument(&self) -> bool {
        matches!(&self.0, Outcome::Status(status) if status.reason == Reason::InvalidArgument)
    }

    /// Adds the answer to others, if it does not [go on](Self::goes_on).
    pub(crate) fn answer(self, responder: Responder, answers: &mut Answers) {
        match self.0 {
            Outcome::Reply(head, body) => answers.reply(responder, head, body),
            Outcome::Status(status) => answers.status(responder, status),
            Outcome::Accepted(..) | Outcome::Stream(_) | Outcome::Ended => {}
        }
    }

    /// Sends the answer. What is still to be done then is given back.
    pub(crate) fn send(self, responder: Responder) -> Option<BoxFuture<'static, ()>> {
        match self.0 {
            Outcome::Reply(head, body) => responder.reply(&head, body),
            Outcome::Status(status) => responder.status(*status),
            Outcome::Accepted(head, body, Later(work)) => {
                // The arguments are kept for the work.
                let held = responder.keep_held();
                responder.reply(&head, body);
                return Some(Box::pin(async move {
                    work.await;
                    drop(held);
                }));
            }
            Outcome::Stream(answering) => return Some(answering.run(responder)),
            Outcome::Ended => {}
        }
        None
    }
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Later")
    }
}

fn written<T>(
    codec: Codec,
    method: &'static MethodSpec,
    value: &T,
    encode: fn(Codec, &MethodSpec, &T, &mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(Codec, Vec<u8>), EncodeError>
where
    T: Serialize + ?Sized,
{
    let codec = reply_codec(codec, method);
    let mut out = buffers::short();
    match encode(codec, method, value, &mut out) {
        Ok(()) => Ok((codec, out)),
        Err(error) if error.needs_field_names() && codec == Codec::Positional => {
            method.demote();
            written(Codec::FieldNamed, method, value, encode)
        }
        Err(error) => Err(error),
    }
}

/// How the answer to a request in `codec` is written: it carries its codec, so one direction can be
/// demoted without the other.
fn reply_codec(codec: Codec, method: &MethodSpec) -> Codec {
    match codec {
        Codec::Positional => method.codec(),
        other => other,
    }
}

/// Cuts at a character's boundary.
fn truncate(text: &mut String, limit: usize) {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(response: Response) -> Status {
        match response.0 {
            Outcome::Status(status) => *status,
            _ => panic!("no status"),
        }
    }

    #[test]
    fn a_relayed_error_has_started() {
        let response = Response::text_error(vec!["gone".into()], Some(Code::Unavailable));
        let status = status(response);
        assert!(status.relayed);
        assert_eq!(
            (status.started, status.code),
            (Started::Yes, Some(Code::Unavailable))
        );
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let status = status(Response::denied("é".repeat(MAX_MESSAGE)));
        assert_eq!(status.message.len(), MAX_MESSAGE);
        let status = status_of_odd();
        assert_eq!(status.message.len(), MAX_MESSAGE - 1);
    }

    fn status_of_odd() -> Status {
        status(Response::denied(format!("x{}", "é".repeat(MAX_MESSAGE))))
    }

    #[test]
    fn a_layer_that_denies_is_believed() {
        let error = Error::new(Kind::Denied, "no token");
        let status = status(Response::of_layer(&error, Started::Unknown));
        assert_eq!(
            (status.reason, status.started),
            (Reason::Denied, Started::No)
        );
        let foreign = std::io::Error::other("broken");
        let status = self::status(Response::of_layer(&foreign, Started::Unknown));
        assert_eq!(
            (status.reason, status.started),
            (Reason::Application, Started::Unknown)
        );
    }
}
