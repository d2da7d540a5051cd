//! What is remembered of a call.

use std::{num::NonZeroU64, thread::LocalKey, time::Instant};

use super::super::{
    buffers::Spare,
    direction::{Inbound, Outbound},
    head::{CallKind, OpenHead, ReplyHead},
    ring::{Kept, Places, Ring},
};
use crate::error::{Error, Started};

/// The calls of a connection, by id.
pub(super) type Streams = Ring<Stream>;

thread_local! {
    static SPARE: Spare<Places<Stream>> = const { Spare::new(4) };
}

/// One call.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) kind: CallKind,
    /// The direction this side sends; `None` until it begins, and if it was one frame.
    pub(super) outbound: Option<Box<Outbound>>,
    /// The direction this side receives; `None` until it begins, and if it was one frame.
    pub(super) inbound: Option<Box<Inbound>>,
    /// This side sent the whole of its direction in one frame.
    pub(super) sent_at_once: bool,
    /// The whole of the peer's direction came in one frame.
    pub(super) came_at_once: bool,
    pub(super) deadline: Option<Instant>,
    /// Client: waits for room. Server: waits for the end of a buffered request.
    pub(super) head: Option<Box<OpenHead>>,
    /// Client: head of a buffered reply whose end has not come.
    pub(super) reply: Option<ReplyHead>,
    /// Client: bytes queued on the connection when the frame was queued that lets the server
    /// start: the end of a buffered request, the OPEN of a streaming one.
    pub(super) starts_at: Option<NonZeroU64>,
    /// Client: a reply has begun. Server: the answer has begun.
    pub(super) answered: bool,
    /// Server: the call was handed to the application.
    pub(super) dispatched: bool,
    /// It counts against `max_streams`.
    pub(super) counted: bool,
    /// Server: it is there to be refused.
    pub(super) refused: bool,
    /// Both directions are over on the wire.
    pub(super) over: bool,
    /// The application still reads.
    pub(super) reader: bool,
    /// The application still writes.
    pub(super) writer: bool,
    /// Why the incoming stream broke off, for its reader.
    pub(super) broken: Option<BrokenOff>,
    /// Server: bytes that are held for it: of the request until it is answered, then of a reply
    /// until that is sent.
    pub(super) held: u64,
}

/// Why an incoming stream broke off.
#[derive(Debug)]
pub(super) enum BrokenOff {
    /// To be given to the reader.
    Unread(Error),
    /// The reader was told.
    Told,
}

impl Kept for Stream {
    fn spare() -> &'static LocalKey<Spare<Places<Self>>> {
        &SPARE
    }
}

impl Stream {
    pub(super) fn new(kind: CallKind, deadline: Option<Instant>) -> Self {
        Self {
            kind,
            outbound: None,
            inbound: None,
            sent_at_once: false,
            came_at_once: false,
            deadline,
            head: None,
            reply: None,
            starts_at: None,
            answered: false,
            dispatched: false,
            counted: false,
            refused: false,
            over: false,
            reader: false,
            writer: false,
            broken: None,
            held: 0,
        }
    }

    /// Client: whether the method may have run, given the bytes the kernel has.
    pub(super) fn started(&self, written_to: u64) -> Started {
        if self.answered {
            return Started::Yes;
        }
        match self.starts_at.map(NonZeroU64::get) {
            Some(at) if cfg!(meshrpc_fault = "started_no_after_end") && at == written_to => {
                Started::No
            }
            Some(at) if at <= written_to => Started::Unknown,
            _ => Started::No,
        }
    }

    /// Bytes received of the peer's direction.
    pub(super) fn received(&self) -> u64 {
        self.inbound.as_ref().map_or(0, |inbound| inbound.received)
    }

    /// It was one frame each way: there is nothing that outlives it.
    pub(super) fn is_small(&self) -> bool {
        self.sent_at_once && self.came_at_once
    }

    pub(super) fn outbound_ended(&self) -> bool {
        let ended = |outbound: &Outbound| outbound.end_sent;
        self.sent_at_once || self.outbound.as_deref().is_some_and(ended)
    }

    pub(super) fn inbound_ended(&self) -> bool {
        let ended = |inbound: &Inbound| inbound.ended;
        self.came_at_once || self.inbound.as_deref().is_some_and(ended)
    }
}
