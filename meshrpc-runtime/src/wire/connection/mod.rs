//! The state of one connection: frames and calls in, frames and events out, time passed in.
//!
//! # Layout
//!
//! - [`handshake`](self): hellos, and what a server refuses there
//! - `proof`: keys that are proved there
//! - `client`: calls that this side makes
//! - `server`: calls that the peer makes
//! - `held`: bytes that are held for them
//! - `receive`: frames that either side may send
//! - `landing`: large chunks, which are read to where they stay
//! - `pages`: pages of long messages, for the next ones
//! - `transmit`: what goes out next, small frames before bulk
//! - `timers`: deadlines and keep-alive
//! - `ending`: go-away in two phases, and the loss of the connection
//! - `audit`: the sums, for tests

#[cfg(feature = "testing")]
mod audit;
mod client;
mod ending;
mod handshake;
mod held;
mod landing;
mod pages;
mod proof;
mod receive;
mod server;
mod stream;
mod timers;
mod transmit;

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;

#[cfg(feature = "testing")]
pub use self::audit::{Audit, StreamAudit, StreamWindow};
pub use self::{handshake::take_preface, landing::Landing};

use self::{
    ending::Ending,
    pages::KeptPages,
    proof::Proving,
    stream::{Stream, Streams},
    timers::KeepAlive,
};
use super::{
    budget::Budget,
    buffers::{self, Spare},
    config::{Config, Identity, Peer},
    counters::{Counters, Tally},
    fault::{Fault, GoAwayReason},
    flow::{ReceiveWindow, SendCredit},
    frame::{Checksum, Flags, FrameReader, FrameType, HANDSHAKE_MAX_FRAME, put_frame},
    head::{OpenHead, ReplyHead, Status},
    hello::Limits,
    holding::{ByteBudget, Holding},
    keys::Secrets,
};
use crate::error::{Error, Started};

thread_local! {
    static EVENTS: Spare<VecDeque<Event>> = const { Spare::new(4) };
    static CALLS: Spare<VecDeque<Arrived>> = const { Spare::new(4) };
}

/// Which side of the connection this is. Only the client opens calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It dialled.
    Client,
    /// It was dialled.
    Server,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    side: Side,
    config: Arc<Config>,
    /// What this side announced.
    limits: Limits,
    phase: Phase,
    /// What the peer announced; this side's own limits until then.
    peer_limits: Limits,
    checksum: Checksum,
    /// Chosen by the owner: makes the reserved values of the hello.
    grease: u16,

    /// Frames that are to be written next. Bulk is cut only when this is empty.
    out: Vec<u8>,
    /// Bytes of `out` that answer what the peer sent.
    answers: usize,
    /// Bytes ever put into `out` or cut from bulk.
    queued_to: u64,
    /// Bytes the owner says were handed to the kernel.
    written_to: u64,
    /// Streams with bulk to send, in turn.
    bulk: VecDeque<u64>,
    /// Chunks to go for which small calls are taken to be active.
    small_mode: u32,
    /// When the last small call ended.
    small_call_at: Option<Instant>,
    send_credit: SendCredit,
    /// The peer was asked to return credit at once, and has not yet.
    credit_asked: bool,
    receive_window: ReceiveWindow,

    streams: Streams,
    /// Client: id of the next call.
    next_id: u64,
    /// Server: highest id seen.
    highest_seen: u64,
    /// Calls that wait for room under the peer's `max_streams`.
    waiting: VecDeque<u64>,
    /// Streams that count against `max_streams`.
    open: u32,
    /// Server: streams whose calls were refused, and whose requests have not ended.
    refused: u32,
    /// Server: calls that are over and whose handlers are not, with the bytes that are held for
    /// each.
    abandoned: HashMap<u64, u64>,
    budget: Budget,
    /// Server: bytes that are held for the peer's calls.
    holding: Holding,
    /// Pages that long messages may use again.
    spare_pages: KeptPages,
    /// Server: what the peer's hello is answered with, if it is refused whatever it says.
    refusal: Option<Box<(GoAwayReason, String)>>,
    /// What is to be proved before the handshake is done.
    proving: Option<Box<Proving>>,
    /// What the transport knows of the peer.
    vouched: Identity,

    /// The latest time that was passed in.
    now: Instant,
    keep_alive: KeepAlive,
    /// No call's deadline is earlier.
    earliest_deadline: Option<Instant>,
    ending: Ending,
    events: VecDeque<Event>,
    /// Server: calls that have arrived. They are taken together, and before other events.
    arrived: VecDeque<Arrived>,
    counters: Tally,
}

/// A call of [`Event::Call`].
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) id: u64,
    pub(crate) head: OpenHead,
    pub(crate) body: Option<Bytes>,
    pub(crate) deadline: Option<Instant>,
}

#[derive(Debug, PartialEq)]
enum Phase {
    /// Until the peer's hello, or this time.
    Handshake { until: Instant },
    /// Calls pass.
    Open,
    /// Nothing is sent any more but what is queued.
    Closed(Fault),
}

/// What happened, in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The handshake is done.
    Connected(Arc<Peer>),
    /// Client: a call has its whole reply, and is over.
    Reply {
        /// The call.
        id: u64,
        /// Its reply's head.
        head: ReplyHead,
        /// The value.
        body: Bytes,
    },
    /// Client: a streaming reply begins.
    ReplyStarted {
        /// The call.
        id: u64,
        /// Its reply's head.
        head: ReplyHead,
    },
    /// Client: a call is over without a reply, or its streaming reply broke off.
    Failed {
        /// The call.
        id: u64,
        /// Why.
        failure: Failure,
    },
    /// Server: a call's request is complete, or begins if it streams.
    Call {
        /// The call.
        id: u64,
        /// Its head.
        head: OpenHead,
        /// The request; `None` if it streams.
        body: Option<Bytes>,
        /// When the caller stops waiting.
        deadline: Option<Instant>,
    },
    /// Server: the caller does not wait any more: stop the handler. Its end has still to be said,
    /// with [`Connection::status`] or as ever: until then it counts as work under way.
    Cancelled {
        /// The call.
        id: u64,
    },
    /// A streaming direction has bytes, its end, or an error to read.
    Readable {
        /// The call.
        id: u64,
    },
    /// A streaming direction may take more.
    Writable {
        /// The call.
        id: u64,
    },
    /// No new calls on this connection.
    Closing,
}

/// How a call ended without a plain reply.
#[derive(Debug)]
pub enum Failure {
    /// The callee's last word.
    Status(Box<Status>),
    /// There was none.
    Lost {
        /// Whether the method may have run.
        started: Started,
        /// Why.
        cause: Error,
    },
}

/// Why a call was not taken.
#[derive(Debug)]
pub enum Refusal {
    /// The connection takes no new calls; another one may.
    Closing,
    /// The call itself cannot be made.
    Call(Error),
}

/// What a streaming direction has to read.
#[derive(Debug)]
pub enum Read {
    /// Bytes.
    Bytes(Bytes),
    /// Nothing yet: [`Event::Readable`] follows.
    Pending,
    /// The verified end.
    End,
    /// It broke off: what was read is not the whole.
    Broken(Error),
}

impl Connection {
    /// A client's side: its preface and hello are queued. `grease` is any number.
    pub fn client(config: Arc<Config>, grease: u16, now: Instant) -> Self {
        Self::client_with(config, None, grease, now)
    }

    /// The same, where the server has to prove one of these keys, and this side will.
    pub fn client_with(
        config: Arc<Config>,
        secrets: Option<Secrets>,
        grease: u16,
        now: Instant,
    ) -> Self {
        let mut connection = Self::new(Side::Client, config, secrets, grease, now);
        connection.queue_preface();
        connection.queue_client_hello();
        connection
    }

    /// A server's side: it says nothing before the client's preface.
    pub fn server(config: Arc<Config>, grease: u16, now: Instant) -> Self {
        Self::server_with(config, None, grease, now)
    }

    /// The same, where the client has to prove one of these keys, and this side will.
    pub fn server_with(
        config: Arc<Config>,
        secrets: Option<Secrets>,
        grease: u16,
        now: Instant,
    ) -> Self {
        Self::new(Side::Server, config, secrets, grease, now)
    }

    fn new(
        side: Side,
        config: Arc<Config>,
        secrets: Option<Secrets>,
        grease: u16,
        now: Instant,
    ) -> Self {
        let limits = Limits::of(&config);
        Self {
            side,
            limits,
            phase: Phase::Handshake {
                until: now + config.handshake_timeout,
            },
            peer_limits: limits,
            checksum: Checksum::Crc32,
            grease,
            out: Vec::new(),
            answers: 0,
            queued_to: 0,
            written_to: 0,
            bulk: VecDeque::new(),
            small_mode: 0,
            small_call_at: None,
            send_credit: SendCredit::new(0),
            credit_asked: false,
            receive_window: ReceiveWindow::new(limits.connection_window),
            streams: Streams::default(),
            next_id: 2,
            highest_seen: 0,
            waiting: VecDeque::new(),
            open: 0,
            refused: 0,
            abandoned: HashMap::new(),
            budget: Budget::new(config.max_idle_frames, now),
            holding: Holding::default(),
            spare_pages: KeptPages::default(),
            refusal: None,
            proving: secrets.map(|secrets| Box::new(Proving::new(secrets))),
            vouched: Identity::Unverified,
            now,
            keep_alive: KeepAlive::new(now),
            earliest_deadline: None,
            ending: Ending::default(),
            events: VecDeque::new(),
            arrived: VecDeque::new(),
            counters: Tally::new(Arc::clone(&config.totals)),
            config,
        }
    }

    /// How the peer's frames are to be read from now on.
    pub fn frame_reader(&self) -> FrameReader {
        match self.phase {
            Phase::Handshake { .. } => FrameReader {
                max_frame: HANDSHAKE_MAX_FRAME,
                checksum: self.checksum,
            },
            _ => FrameReader {
                max_frame: self.limits.max_frame,
                checksum: self.checksum,
            },
        }
    }

    /// True once the handshake is done, and until the end.
    pub fn is_established(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Why the connection ended: write what is queued, then close.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.phase {
            Phase::Closed(fault) => Some(fault),
            _ => None,
        }
    }

    /// Whether the owner may read on. `false` once the connection is over, and while the peer
    /// leaves so many answers unread that no more of them are to be caused.
    ///
    /// What this side asks of its own accord does not count: two sides that both wait for the
    /// other to read would wait for ever.
    pub fn takes_frames(&self) -> bool {
        self.answers < self.config.max_unread as usize && !matches!(self.phase, Phase::Closed(_))
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        match self.arrived.pop_front() {
            Some(call) => Some(Event::Call {
                id: call.id,
                head: call.head,
                body: call.body,
                deadline: call.deadline,
            }),
            None => self.poll_other_event(),
        }
    }

    /// The next thing that happened but for calls, which [`take_calls`](Self::take_calls) gives.
    pub(crate) fn poll_other_event(&mut self) -> Option<Event> {
        if self.events.is_empty() {
            Spare::take_back(&EVENTS, &mut self.events);
        }
        self.events.pop_front()
    }

    /// Server: moves the calls that have arrived behind those in `calls`.
    pub(crate) fn take_calls(&mut self, calls: &mut VecDeque<Arrived>) {
        if calls.is_empty() {
            mem::swap(calls, &mut self.arrived);
        } else {
            calls.append(&mut self.arrived);
        }
    }

    /// A thread keeps the room for calls that were taken.
    pub(crate) fn give_room_back(calls: &mut VecDeque<Arrived>) {
        Spare::take_back(&CALLS, calls);
    }

    /// Server: a call has arrived.
    fn arrived(&mut self, id: u64, head: OpenHead, body: Option<Bytes>, deadline: Option<Instant>) {
        Spare::lend(&CALLS, &mut self.arrived);
        self.arrived.push_back(Arrived {
            id,
            head,
            body,
            deadline,
        });
    }

    /// Largest buffered message that this side takes, in bytes.
    pub fn max_message(&self) -> u64 {
        self.limits.max_message
    }

    /// Calls that are not over.
    pub fn in_flight(&self) -> usize {
        self.streams.len()
    }

    /// What was counted.
    pub fn counters(&self) -> Counters {
        self.counters.counters()
    }

    /// Server: bytes of calls count against `budget` from now on.
    pub fn hold_within(&mut self, budget: Arc<ByteBudget>) {
        self.holding.limit(budget);
    }

    /// Appends a small frame to what goes out next.
    fn queue_frame(
        &mut self,
        kind: FrameType,
        flags: Flags,
        stream: u64,
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        if self.out.capacity() == 0 {
            self.out = buffers::long();
        }
        let before = self.out.len();
        put_frame(&mut self.out, self.checksum, kind, flags, stream, payload);
        let len = self.out.len() - before;
        self.queued_to += len as u64;
        if kind.is_answer() {
            let most = self.config.max_unread as usize;
            if self.answers < most && self.answers + len >= most {
                self.counters.count(|counters| &mut counters.unread_answers);
            }
            self.answers += len;
        }
    }

    /// Puts a stream with something to send into the bulk queue, once its OPEN is on the way.
    fn enqueue_bulk(&mut self, id: u64) {
        if let Some(Stream {
            outbound: Some(outbound),
            counted: true,
            ..
        }) = self.streams.get_mut(id)
            && !outbound.in_bulk
            && !outbound.end_sent
        {
            outbound.in_bulk = true;
            if self.bulk.is_empty() {
                self.bulk_begins();
            }
            self.bulk.push_back(id);
        }
    }
}
