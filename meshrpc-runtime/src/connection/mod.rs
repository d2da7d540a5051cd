//! Drives one [`wire`] connection over one byte stream.
//!
//! One task per connection reads, parses and verifies, locks the state once, applies what came,
//! unlocks, wakes everybody concerned, and writes. Callers encode outside the lock and append under
//! it, so a lock is held for bookkeeping only: never across a system call, a wake-up or user code.
//!
//! # Layout
//!
//! - `driver`: the task
//! - `shared`: the state it shares with callers and handlers, and what is remembered per call
//! - `call`: a call under way at the client
//! - `incoming`: a call that arrived, and the way to answer it
//! - `stream`: the two directions of a streaming call

mod call;
mod driver;
mod incoming;
mod shared;
mod stream;

use std::{
    sync::{Arc, LazyLock, atomic::Ordering},
    task::Waker,
    time::Instant,
};

use tokio::io::{AsyncRead, AsyncWrite};

use self::{
    call::BorrowedCall,
    shared::{Life, Shared, Slot},
    stream::open,
};
pub use self::{
    call::{CallFailure, Reply, UnaryCall},
    driver::Driver,
    incoming::{Answers, Dispatch, Incoming, IncomingBody, Responder},
    stream::{RecvStream, Replied, SendStream, StreamReply},
};
use crate::{
    error::{Error, Kind},
    transport::{Credentials, Stream},
    wire::{self, Body, Config, Fault, GoAwayReason, OpenHead, Peer, Refusal, Secrets},
};

/// A byte stream a connection runs over.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// A handle on a connection; clones share it.
///
/// A client's connection lives until [`close`](Self::close), an end from the peer, or until the
/// last handle is gone and no call is under way; a server's until `close` or an end.
#[derive(Debug)]
pub struct Connection {
    shared: Arc<Shared>,
}

static NOBODY: LazyLock<Peer> = LazyLock::new(Peer::default);

/// Why a call was not taken.
#[derive(Debug)]
pub enum NotTaken {
    /// The connection takes no new calls; another one may. Nothing was sent.
    Closing,
    /// The call cannot be made as it is.
    Call(Error),
}

impl Connection {
    /// Client: performs the handshake on `io`, and spawns the connection's task on the current
    /// runtime.
    ///
    /// # Errors
    /// What went wrong, by whose fault; the handshake has 5 s.
    pub async fn connect(io: impl Io, config: Arc<Config>) -> Result<Connection, Error> {
        Self::connect_to(io, config, unknown).await
    }

    /// The same on a stream that knows its peer.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_on(stream: Stream, config: Arc<Config>) -> Result<Connection, Error> {
        Self::connect_to(stream, config, Stream::credentials).await
    }

    async fn connect_to<T: Io>(
        io: T,
        config: Arc<Config>,
        vouch: Vouch<T>,
    ) -> Result<Connection, Error> {
        let secrets = secrets(&config)?;
        let state = wire::Connection::client_with(config, secrets, fastrand::u16(..), now());
        let shared = Shared::new(state, None);
        let connection = Connection::new(&shared);
        tokio::spawn(Driver::new(io, vouch, Arc::clone(&shared)).run());
        let mut life = shared.life.subscribe();
        // The sender lives in `shared`, so waiting cannot fail.
        let _ = life
            .wait_for(|life| matches!(life, Life::Open | Life::Gone(_)))
            .await;
        match &*life.borrow() {
            Life::Gone(fault) => Err(fault.to_error()),
            _ => Ok(connection),
        }
    }

    /// Server: a connection that hands its calls to `dispatch` while [`Driver::run`] is polled.
    pub fn accept<T: Io>(
        io: T,
        config: Arc<Config>,
        dispatch: Arc<dyn Dispatch>,
    ) -> (Connection, Driver<T>) {
        Self::accept_from(io, config, dispatch, unknown)
    }

    /// The same on a stream that knows its peer.
    pub fn accept_on(
        stream: Stream,
        config: Arc<Config>,
        dispatch: Arc<dyn Dispatch>,
    ) -> (Connection, Driver<Stream>) {
        Self::accept_from(stream, config, dispatch, Stream::credentials)
    }

    fn accept_from<T: Io>(
        io: T,
        config: Arc<Config>,
        dispatch: Arc<dyn Dispatch>,
        vouch: Vouch<T>,
    ) -> (Connection, Driver<T>) {
        let secrets = secrets(&config);
        let (secrets, failure) = match secrets {
            Ok(secrets) => (secrets, None),
            Err(error) => (None, Some(error)),
        };
        let mut state = wire::Connection::server_with(config, secrets, fastrand::u16(..), now());
        if let Some(error) = failure {
            state.refuse_hello(GoAwayReason::Full, error.to_string());
        }
        let shared = Shared::new(state, Some(dispatch));
        (Connection::new(&shared), Driver::new(io, vouch, shared))
    }

    fn new(shared: &Arc<Shared>) -> Self {
        shared.handles.fetch_add(1, Ordering::Relaxed);
        Self {
            shared: Arc::clone(shared),
        }
    }

    /// What the handshake told. A server's connection has a peer without a name before it is done;
    /// a client never sees that.
    pub fn peer(&self) -> &Peer {
        self.shared.peer.get().map_or(&*NOBODY, |peer| peer)
    }

    /// Starts a call with one message each way. `head.time_left` is filled in from `deadline`.
    /// Over the peer's `max_streams` it waits inside.
    ///
    /// # Errors
    /// [`NotTaken`]; the request was not sent.
    pub fn call(
        &self,
        head: OpenHead,
        body: impl Into<Body>,
        deadline: Option<Instant>,
    ) -> Result<UnaryCall, NotTaken> {
        let id = self.start(head, body.into(), deadline, now(), None)?;
        Ok(UnaryCall::new(Arc::clone(&self.shared), id))
    }

    /// As [`call`](Self::call), at `now`, by the task of `waker`, which has to poll it next.
    pub(crate) fn begin(
        &self,
        head: OpenHead,
        body: Body,
        deadline: Option<Instant>,
        now: Instant,
        waker: Waker,
    ) -> Result<BorrowedCall<'_>, NotTaken> {
        let id = self.start(head, body, deadline, now, Some(waker))?;
        Ok(BorrowedCall::new(&self.shared, id))
    }

    fn start(
        &self,
        head: OpenHead,
        body: Body,
        deadline: Option<Instant>,
        now: Instant,
        caller: Option<Waker>,
    ) -> Result<u64, NotTaken> {
        let mut state = self.shared.lock();
        let id = state.wire.call(head, body, deadline, now)?;
        let slot = Slot {
            caller,
            ..Slot::default()
        };
        state.slots.insert(id, slot);
        let driver = state.signal();
        drop(state);
        shared::wake(driver);
        Ok(id)
    }

    /// Starts a call with a stream one way or both, as its kind says. `body` is the request where
    /// that does not stream, and the beginning of the stream where it does.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing was sent.
    pub fn stream(
        &self,
        head: OpenHead,
        body: impl Into<Body>,
        deadline: Option<Instant>,
    ) -> Result<(SendStream, StreamReply), NotTaken> {
        open(&self.shared, head, body, deadline)
    }

    /// True while new calls are taken.
    pub fn takes_calls(&self) -> bool {
        self.shared.open.load(Ordering::Acquire)
    }

    /// Calls under way.
    pub fn in_flight(&self) -> usize {
        self.shared.lock().wire.in_flight()
    }

    /// Resolves when the connection takes no new calls any more: it goes away, or is gone.
    pub async fn closing(&self) {
        let mut life = self.shared.life.subscribe();
        let _ = life
            .wait_for(|life| matches!(life, Life::Closing | Life::Gone(_)))
            .await;
    }

    /// Resolves when the connection is gone, with the reason.
    pub async fn closed(&self) -> Fault {
        let mut life = self.shared.life.subscribe();
        let _ = life.wait_for(|life| matches!(life, Life::Gone(_))).await;
        match &*life.borrow() {
            Life::Gone(fault) => fault.clone(),
            _ => Fault::ClosedHere,
        }
    }

    /// Server: answers the client's hello with a go-away, whatever it says.
    pub(crate) fn refuse(&self, reason: GoAwayReason, text: String) {
        self.shared.change(|wire| wire.refuse_hello(reason, text));
    }

    /// Whether the handshake was done.
    pub(crate) fn is_established(&self) -> bool {
        self.shared.peer.get().is_some()
    }

    /// Begins an orderly end: no new calls, those under way finish, then it closes by itself.
    pub fn go_away(&self) {
        self.shared.change(|wire| wire.go_away(now()));
    }

    /// Ends it now; calls under way are lost.
    pub fn close(&self) {
        self.shared.change(|wire| wire.fail_with(Fault::ClosedHere));
    }
}

impl Clone for Connection {
    fn clone(&self) -> Self {
        Self::new(&self.shared)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.shared.handles.fetch_sub(1, Ordering::AcqRel) == 1 && self.shared.dispatch.is_none()
        {
            self.go_away();
        }
    }
}

impl From<Refusal> for NotTaken {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closing => NotTaken::Closing,
            Refusal::Call(error) => NotTaken::Call(error),
        }
    }
}

/// What is known of a peer by its byte stream, once a byte of it was read.
type Vouch<T> = fn(&T) -> Credentials;

fn unknown<T>(_: &T) -> Credentials {
    Credentials::default()
}

/// What it takes to prove the keys of `config`, if there are any.
fn secrets(config: &Config) -> Result<Option<Secrets>, Error> {
    let Some(source) = &config.keys else {
        return Ok(None);
    };
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|error| {
        let message = format!("the system gives no random numbers: {error}");
        Error::new(Kind::Unavailable, message)
    })?;
    let keys = source.current();
    Ok(Some(Secrets { keys, nonce }))
}

/// Now, by the clock that tokio's tests can pause.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
