//! Drives one [`wire`](crate::wire) connection over one byte stream: one task, call slots, buffers,
//! one timer.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::AbortHandle,
};

use crate::{
    error::{Error, Started},
    wire::{Codec, Config, Metadata, OpenHead, Peer, ReplyHead, Status},
};

/// A byte stream a connection runs over.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// A handle on a connection; clones share it. The connection lives until [`close`](Self::close),
/// an end from the peer, or the last handle is gone and no call is under way.
#[derive(Clone, Debug)]
pub struct Connection {}

/// A connection as the server sees it before it runs: spawn [`run`](Driver::run).
pub struct Driver {}

/// Receives the calls of a server's connections. Runs on the connection's task: it spawns, it does
/// not work.
pub trait Dispatch: Send + Sync + 'static {
    /// Takes a call whose request is complete (buffered kinds) or begun (streaming kinds).
    fn dispatch(&self, call: Incoming);
}

/// A call that has arrived.
pub struct Incoming {
    /// What the caller said of it.
    pub head: OpenHead,
    /// The request.
    pub body: IncomingBody,
    /// The way to answer.
    pub responder: Responder,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// The client.
    pub peer: Arc<Peer>,
}

/// The request of an incoming call.
pub enum IncomingBody {
    /// Whole.
    Buffered(Bytes),
    /// As it comes.
    Stream(RecvStream),
}

/// Answers one call. Dropped unanswered, it answers that the handler went away.
pub struct Responder {}

/// Sends the bytes of one direction of a stream.
pub struct SendStream {}

/// Receives the bytes of one direction of a stream.
pub struct RecvStream {}

/// A call under way at the client. Dropping it cancels the call at the server.
pub struct UnaryCall {}

/// A plain reply.
#[derive(Debug)]
pub struct Reply {
    /// How the value is written.
    pub codec: Codec,
    /// What the callee attached.
    pub metadata: Metadata,
    /// The value.
    pub body: Bytes,
}

/// Why a call got no plain reply.
#[derive(Debug)]
pub enum CallFailure {
    /// The server's last word.
    Status(Box<Status>),
    /// There was none.
    Lost {
        /// Whether the method may have run.
        started: Started,
        /// Unavailable, DeadlineExceeded, Refused (by this side's own knowledge of the peer's
        /// limits) or Protocol.
        cause: Error,
    },
}

impl Connection {
    /// Client: performs the handshake on `io` and spawns the connection's task on the current
    /// runtime.
    pub async fn connect(_io: impl Io, _config: Arc<Config>) -> Result<Connection, Error> {
        todo!()
    }

    /// Server: a connection that hands its calls to `dispatch` once [`Driver::run`] is polled.
    pub fn accept(
        _io: impl Io,
        _config: Arc<Config>,
        _dispatch: Arc<dyn Dispatch>,
    ) -> (Connection, Driver) {
        todo!()
    }

    /// What the handshake told. Client side; a server finds it in [`Incoming::peer`].
    pub fn peer(&self) -> &Arc<Peer> {
        todo!()
    }

    /// Starts a call with a buffered request and a buffered reply. `head.time_left` is filled in
    /// from `deadline`. Over the peer's `max_streams` it waits inside.
    ///
    /// # Errors
    /// Gives the request back if the connection takes no new calls: going away, or gone.
    pub fn call(
        &self,
        _head: OpenHead,
        _body: Bytes,
        _deadline: Option<Instant>,
    ) -> Result<UnaryCall, Closing> {
        todo!()
    }

    /// Starts a call with a stream each way.
    pub fn stream(
        &self,
        _head: OpenHead,
        _deadline: Option<Instant>,
    ) -> Result<(SendStream, StreamReply), Closing> {
        todo!()
    }

    /// True while new calls are taken.
    pub fn takes_calls(&self) -> bool {
        todo!()
    }

    /// Calls under way.
    pub fn in_flight(&self) -> usize {
        todo!()
    }

    /// Resolves when the connection takes no new calls any more: go-away received or sent, or gone.
    pub async fn closing(&self) {
        todo!()
    }

    /// Resolves when the connection is gone, with the reason (`None`: an orderly end).
    pub async fn closed(&self) -> Option<Error> {
        todo!()
    }

    /// Starts the two-phase go-away: no new calls, those accepted finish, then it closes by itself.
    pub fn go_away(&self) {
        todo!()
    }

    /// Ends it now; calls under way are lost.
    pub fn close(&self) {
        todo!()
    }
}

/// The connection takes no new calls.
#[derive(Debug)]
pub struct Closing;

impl Driver {
    /// Runs the connection to its end. An error says what the peer did wrong or what broke; a peer
    /// that closed in good order, or before it sent a byte, is no error.
    pub async fn run(self) -> Result<(), Error> {
        todo!()
    }
}

impl Future for UnaryCall {
    type Output = Result<Reply, CallFailure>;
    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        todo!()
    }
}

impl Responder {
    /// Answers with a value.
    pub fn reply(self, _head: ReplyHead, _body: Bytes) {
        todo!()
    }

    /// Answers with a status.
    pub fn status(self, _status: Status) {
        todo!()
    }

    /// Answers with a stream; commits the call.
    pub fn stream(self, _head: ReplyHead) -> SendStream {
        todo!()
    }

    /// Aborts the task when the caller goes, the deadline passes or the connection is lost; at once
    /// if that has happened.
    pub fn abort_on_cancel(&self, _handle: AbortHandle) {
        todo!()
    }
}

impl SendStream {
    /// Queues bytes; waits while the peer has given no credit and enough is queued.
    pub async fn send(&mut self, _bytes: Bytes) -> Result<(), Error> {
        todo!()
    }

    /// Ends the direction.
    pub fn finish(self) {
        todo!()
    }

    /// Server: ends the call with a status instead.
    pub fn fail(self, _status: Status) {
        todo!()
    }
}

impl RecvStream {
    /// The next bytes, `None` at the verified end.
    pub async fn recv(&mut self) -> Option<Result<Bytes, Error>> {
        todo!()
    }
}

/// The answer to a streaming call: wait for the head, then read.
pub struct StreamReply {}

impl StreamReply {
    /// Waits for the reply's head.
    pub async fn head(self) -> Result<(ReplyHead, RecvStream), CallFailure> {
        todo!()
    }
}
