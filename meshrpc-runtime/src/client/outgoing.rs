//! One call, from the choice of an instance to its answer.

use std::{future::poll_fn, ops::ControlFlow, task::Poll};

use crate::{
    blocking,
    client::{Answer, Channel, SessionKey, Streaming, pool::Lane, progress::Progress},
    codec::{ArgsWriter, Attached, EncodeError},
    connection::CallFailure,
    context::Context,
    contract::MethodSpec,
    error::{Code, Error, Kind, Started},
    wire::{Body, Codec, Reason, Status, buffers},
};

/// A call that is about to be made. Dropping the future of the call cancels it at the callee.
#[derive(Debug)]
#[must_use = "a call does nothing until it is sent"]
pub struct Outgoing<'a> {
    pub(super) channel: &'a Channel,
    pub(super) method: &'static MethodSpec,
    pub(super) session: Option<String>,
}

impl<'a> Outgoing<'a> {
    pub(crate) fn new(channel: &'a Channel, method: &'static MethodSpec) -> Self {
        Self {
            channel,
            method,
            session: None,
        }
    }

    /// Sends the call to the instance that the session belongs to; options that name a session go
    /// before.
    pub fn session(mut self, key: impl SessionKey) -> Self {
        self.session = Some(key.session_key());
        self
    }

    /// Makes a unary call. `encode` writes the arguments; it is called again for each further
    /// attempt.
    ///
    /// # Errors
    /// Whatever kept the method from giving an answer of its own; its
    /// [`started`](Error::started) says whether it may have run.
    pub async fn unary<F>(self, mut encode: F) -> Result<Answer, Error>
    where
        F: FnMut(&mut ArgsWriter<'_>) -> Result<(), EncodeError> + Send,
    {
        let method = self.method;
        self.attempts(|progress, lane| match progress.codec(lane) {
            Some(codec) => written(method, codec, &mut encode).map(Some),
            None => Ok(None),
        })
        .await
    }

    /// Writes the arguments of a call with streams, which is made when its first item, its opening
    /// or its reply is asked for.
    ///
    /// `encode` is called for each codec that an instance might read: it borrows what the call may
    /// outlive.
    pub fn streaming<F>(self, encode: F) -> Streaming<'static>
    where
        F: FnMut(&mut ArgsWriter<'_>) -> Result<(), EncodeError>,
    {
        Streaming::new(self, encode)
    }

    /// Makes a unary call of a method of a contract as one that is
    /// [`blocking`](MethodSpec::blocking), and waits for it on this thread; as
    /// [`unary`](Self::unary) otherwise.
    ///
    /// A worker of a multi-threaded runtime lets another thread take its place meanwhile. On a
    /// single-threaded one, everything else on it waits as well.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn unary_blocking<F>(self, mut encode: F) -> Result<Answer, Error>
    where
        F: FnMut(&mut ArgsWriter<'_>) -> Result<(), EncodeError>,
    {
        let method = self.method;
        let Some(channel) = self.channel.for_threads() else {
            let message = format!("`{}` is called by no thread that waits", method.name);
            return Err(Error::new(Kind::Protocol, message).with_code(Code::FailedPrecondition));
        };
        let outgoing = Outgoing {
            channel: &channel,
            method,
            session: self.session,
        };
        blocking::wait_for_call(
            outgoing.attempts(|progress, lane| match progress.codec(lane) {
                Some(codec) => written(method, codec, &mut encode).map(Some),
                None => Ok(None),
            }),
        )?
    }

    /// Makes a unary call whose arguments are written already, for programs without the contract.
    ///
    /// # Errors
    /// As [`unary`](Self::unary), and if the callee does not read this codec.
    #[cfg(feature = "gateway")]
    pub(crate) async fn raw(self, codec: Codec, body: bytes::Bytes) -> Result<Answer, Error> {
        self.attempts(|progress, _| match progress.wants_field_names() {
            true => Err(progress.take_last()),
            false => Ok(Some((codec, body.clone().into()))),
        })
        .await
    }

    /// Calls one instance after the other, as long as that may help. `request` gives codec and body
    /// for an instance, `None` if it does not serve the contract.
    async fn attempts<F>(&self, mut request: F) -> Result<Answer, Error>
    where
        F: FnMut(&mut Progress<'_>, &Lane) -> Result<Option<(Codec, Body)>, Error>,
    {
        let context = Context::current();
        let mut progress = Progress::new(self, &context)?;
        loop {
            let lane = progress.next_lane().await?;
            let failure = match request(&mut progress, &lane)? {
                None => CallFailure::Status(Box::new(absent(self.channel, &lane))),
                Some((codec, body)) => {
                    let head = progress.head(codec, &context);
                    let (deadline, now) = (progress.deadline, progress.sending_at(body.len()));
                    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
                    match lane.connection.begin(head, body, deadline, now, waker) {
                        Ok(call) => {
                            progress.attempt.number = progress.attempt.number.saturating_add(1);
                            match call.await {
                                Ok(reply) => {
                                    lane.success();
                                    self.channel.pool.budget.success();
                                    return Ok(Answer::value(reply, progress.origin(&lane)));
                                }
                                Err(failure) => failure,
                            }
                        }
                        Err(not_taken) => {
                            progress.not_taken(&lane, not_taken)?;
                            continue;
                        }
                    }
                }
            };
            match progress.next(&lane, failure) {
                ControlFlow::Break(answer) => return answer,
                ControlFlow::Continue(next) => progress.prepare(&lane, next).await?,
            }
        }
    }

    /// The session key in force.
    pub(super) fn key(&self) -> Option<&str> {
        self.channel
            .options
            .session
            .as_deref()
            .or(self.session.as_deref())
    }
}

/// The arguments, and the codec they are really in: a value that the positional codec would corrupt
/// moves its method to the field-named one.
pub(super) fn written<F>(
    method: &'static MethodSpec,
    codec: Codec,
    encode: &mut F,
) -> Result<(Codec, Body), Error>
where
    F: FnMut(&mut ArgsWriter<'_>) -> Result<(), EncodeError>,
{
    let mut out = buffers::short();
    let mut attached = Attached::default();
    let mut args = ArgsWriter::new(codec, method, &mut out).attaching(&mut attached);
    match encode(&mut args).and_then(|()| args.finish()) {
        Ok(()) => Ok((codec, attached.into_body(out))),
        Err(error) if error.needs_field_names() && codec == Codec::Positional => {
            method.demote();
            written(method, Codec::FieldNamed, encode)
        }
        Err(error) => {
            let message = format!(
                "the arguments of `{}` cannot be encoded: {error}",
                method.name
            );
            let error = Error::new(Kind::Codec, message);
            Err(error.with_code(Code::InvalidArgument))
        }
    }
}

/// What an instance that said in the handshake that it has no such contract would answer.
pub(super) fn absent(channel: &Channel, lane: &Lane) -> Status {
    let message = format!(
        "`{}` at `{}` does not serve `{}`",
        channel.deployment(),
        lane.name,
        channel.spec.name
    );
    Status::refusal(Reason::UnknownMethod, Started::No, message)
}
