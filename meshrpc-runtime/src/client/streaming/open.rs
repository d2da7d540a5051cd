//! The opening of a call with streams.

use std::{future::poll_fn, ops::ControlFlow, task::Poll};

use futures_core::Stream;

use super::{Replies, items::Open, upload::Upload};
use crate::{
    client::{
        Answer, Channel, Outgoing, RemoteFailure,
        outgoing::{absent, written},
        progress::Progress,
    },
    codec::{ArgsWriter, EncodeError, ItemWriter},
    connection::{CallFailure, Replied, StreamReply},
    context::Context,
    contract::MethodSpec,
    error::{Error, Kind},
    streaming::{Fed, Receiving},
    wire::{Body, CallKind, Codec, put_item_prefix},
};

/// A call with streams that is to be made. Dropping what it becomes cancels it at the callee.
#[must_use = "a call does nothing until it is made"]
pub struct Streaming<'a> {
    channel: Channel,
    method: &'static MethodSpec,
    session: Option<String>,
    context: Context,
    arguments: Result<Arguments, Error>,
    upload: Option<Upload<'a>>,
}

/// Arguments as they are sent, in every codec that an instance may read.
struct Arguments {
    preferred: (Codec, Body),
    /// If the preferred ones have no names.
    named: Option<Result<Body, Error>>,
}

/// What an instance answered with.
enum Opened {
    Whole(Answer),
    Stream(Box<Open>),
}

impl Streaming<'static> {
    pub(in crate::client) fn new<F>(outgoing: Outgoing<'_>, mut encode: F) -> Self
    where
        F: FnMut(&mut ArgsWriter<'_>) -> Result<(), EncodeError>,
    {
        let method = outgoing.method;
        Self {
            channel: outgoing.channel.clone(),
            method,
            session: outgoing.session,
            context: Context::current(),
            arguments: Arguments::written(method, &mut encode),
            upload: None,
        }
    }
}

impl<'a> Streaming<'a> {
    /// The same call, with the stream that it sends, and how an item of that is written.
    pub fn sending<'b, S, W>(self, stream: S, write: W) -> Streaming<'b>
    where
        'a: 'b,
        S: Stream + Send + 'b,
        W: FnMut(&mut ItemWriter, S::Item) -> Result<(), EncodeError> + Send + 'b,
    {
        let stream = Box::pin(stream);
        let upload = Upload::new(self.method, Box::new(Fed { stream, write }));
        Streaming {
            upload: Some(upload),
            ..self
        }
    }

    /// Makes a call that is answered with one message.
    ///
    /// # Errors
    /// Whatever kept the method from giving an answer of its own; its
    /// [`started`](Error::started) says whether it may have run.
    pub async fn reply(mut self) -> Result<Answer, Error> {
        match self.make().await? {
            Opened::Whole(answer) => Ok(answer),
            Opened::Stream(_) => Err(Error::new(Kind::Protocol, "a stream where a reply was due")),
        }
    }

    /// Makes a call that is answered with a stream, and waits until that begins.
    ///
    /// # Errors
    /// As [`reply`](Self::reply); inside, the method's own error instead of a stream.
    pub async fn open(mut self) -> Result<Result<Replies<'a>, RemoteFailure>, Error> {
        match self.make().await? {
            Opened::Stream(open) => Ok(Ok(Replies::open(open, self.upload))),
            Opened::Whole(Answer::Failed(failure)) => Ok(Err(failure)),
            Opened::Whole(Answer::Value(_)) => Err(unasked()),
        }
    }

    /// The stream that the call is answered with. The call is made when that is first polled.
    pub fn replies(self) -> Replies<'a> {
        Replies::opening(Box::pin(async move {
            match self.open().await? {
                Ok(replies) => Ok(replies),
                Err(failure) => Err(failure.into_error()),
            }
        }))
    }

    /// Calls one instance after the other, as long as the one before certainly did not begin.
    async fn make(&mut self) -> Result<Opened, Error> {
        let arguments = match &mut self.arguments {
            Ok(arguments) => arguments,
            Err(error) => return Err(std::mem::replace(error, unasked())),
        };
        let mut outgoing = Outgoing::new(&self.channel, self.method);
        outgoing.session = self.session.take();
        let mut progress = Progress::new(&outgoing, &self.context)?;
        loop {
            let lane = progress.next_lane().await?;
            let failure = match progress.codec(&lane) {
                None => CallFailure::Status(Box::new(absent(&self.channel, &lane))),
                Some(codec) => {
                    let (codec, body) = arguments.get(codec, self.method.kind)?;
                    if self
                        .upload
                        .as_ref()
                        .is_some_and(|upload| !upload.can_begin(codec))
                    {
                        return Err(progress.take_last());
                    }
                    let head = progress.head(codec, &self.context);
                    let opened = lane.connection.stream(head, body, progress.deadline);
                    let (out, reply) = match opened {
                        Ok(streams) => streams,
                        Err(not_taken) => {
                            progress.not_taken(&lane, not_taken)?;
                            continue;
                        }
                    };
                    progress.attempt.number = progress.attempt.number.saturating_add(1);
                    if let Some(upload) = &mut self.upload {
                        upload.begin(out, codec, lane.connection.peer().max_message);
                    }
                    let origin = progress.origin(&lane);
                    match replied(&mut self.upload, reply).await? {
                        Ok(replied) => {
                            lane.success();
                            self.channel.pool.budget.success();
                            return Ok(match replied {
                                Replied::Whole(reply) => {
                                    Opened::Whole(Answer::value(reply, origin))
                                }
                                Replied::Stream(head, stream) => {
                                    let receiving = Receiving::new(stream, head.codec);
                                    Opened::Stream(Box::new(Open { receiving, origin }))
                                }
                            });
                        }
                        Err(failure) => failure,
                    }
                }
            };
            match progress.next(&lane, failure) {
                ControlFlow::Break(answer) => return answer.map(Opened::Whole),
                ControlFlow::Continue(next) => {
                    if let Some(upload) = &mut self.upload {
                        upload.pause();
                    }
                    progress.prepare(&lane, next).await?;
                }
            }
        }
    }
}

impl Arguments {
    fn written<F>(method: &'static MethodSpec, encode: &mut F) -> Result<Self, Error>
    where
        F: FnMut(&mut ArgsWriter<'_>) -> Result<(), EncodeError>,
    {
        let preferred = written(method, method.codec(), encode)?;
        let named = (preferred.0 == Codec::Positional)
            .then(|| written(method, Codec::FieldNamed, encode).map(|(_, body)| body));
        Ok(Self { preferred, named })
    }

    /// The beginning of a call in `codec`, or in the one that the arguments need.
    fn get(&mut self, codec: Codec, kind: CallKind) -> Result<(Codec, Body), Error> {
        let (codec, body) = match &mut self.named {
            Some(named) if codec != Codec::Positional => match named {
                Ok(body) => (Codec::FieldNamed, body.clone()),
                Err(error) => return Err(std::mem::replace(error, unasked())),
            },
            _ => self.preferred.clone(),
        };
        if !kind.streams_out() {
            return Ok((codec, body));
        }
        let mut item = Vec::new();
        put_item_prefix(&mut item, body.len(), codec == Codec::FieldNamed);
        let mut item = Body::from(item);
        item.append(body);
        Ok((codec, item))
    }
}

/// Waits for the answer, and sends meanwhile.
async fn replied(
    upload: &mut Option<Upload<'_>>,
    mut reply: StreamReply,
) -> Result<Result<Replied, CallFailure>, Error> {
    poll_fn(|cx| {
        if let Poll::Ready(replied) = reply.poll_replied(cx) {
            return Poll::Ready(Ok(replied));
        }
        match upload.as_mut().map(|upload| upload.poll(cx)) {
            Some(Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
            _ => Poll::Pending,
        }
    })
    .await
}

fn unasked() -> Error {
    Error::new(Kind::Protocol, "a reply where a stream was due")
}

impl std::fmt::Debug for Streaming<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streaming")
            .field("channel", &self.channel)
            .field("method", &self.method.name)
            .finish_non_exhaustive()
    }
}
