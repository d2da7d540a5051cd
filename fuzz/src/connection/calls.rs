//! What is known of each call from outside of the side that is tested.

use meshrpc::wire::CallKind;

/// A call, as the peer and the owner know it.
pub(super) struct Stream {
    pub(super) kind: CallKind,
    /// The OPEN was on the wire.
    pub(super) opened: bool,

    /// The peer's direction has begun.
    pub(super) begun: bool,
    /// The peer's direction has ended.
    pub(super) ended: bool,
    /// Body bytes that the peer has sent.
    pub(super) arrived: u64,
    /// Bytes that the peer may still send, if its direction streams.
    pub(super) peer_credit: Option<u64>,
    /// Either side has said that the stream is over.
    pub(super) over: bool,

    /// Body bytes that the side has sent.
    pub(super) sent: u64,
    /// The side's direction has begun, or ended.
    pub(super) side_begun: bool,
    pub(super) side_ended: bool,
    /// The side has reset it.
    pub(super) side_reset: bool,
    /// Bytes that the side may still send, if its direction streams.
    pub(super) credit: Option<u64>,

    /// Credit for a direction of which only the side knows yet that it has begun.
    early: u64,

    /// Bytes that the owner has read.
    pub(super) read: u64,
    pub(super) owner: Owner,
    /// The owner stopped reading, and has not been told an end.
    pub(super) stopped: bool,
}

/// How far a call is for the owner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Owner {
    /// Client: it waits. Server: it does not know of the call.
    Waits,
    /// Client: it reads a stream. Server: its handler runs.
    Runs,
    /// Server: its handler runs, and nobody waits for the answer.
    Cancelled,
    /// Client: it was told the end, or has given the call up. Server: its handler has ended.
    Done,
}

impl Stream {
    pub(super) fn new(kind: CallKind, peer_credit: Option<u64>) -> Self {
        Self {
            kind,
            opened: false,
            begun: false,
            ended: false,
            arrived: 0,
            peer_credit,
            over: false,
            sent: 0,
            side_begun: false,
            side_ended: false,
            side_reset: false,
            credit: None,
            early: 0,
            read: 0,
            owner: Owner::Waits,
            stopped: false,
        }
    }

    /// The frame that begins the peer's direction was taken: its bytes cost stream credit only.
    pub(super) fn begin(&mut self, body: u64) {
        self.begun = true;
        self.peer_credit = self.peer_credit.map(|credit| credit.saturating_sub(body));
    }

    /// Body bytes of the peer were taken.
    pub(super) fn bring(&mut self, body: u64, end: bool) {
        self.ended |= end;
        self.arrived += body;
    }

    /// Body bytes of the side went out.
    pub(super) fn send(&mut self, body: u64, end: bool) {
        self.side_begun = true;
        self.side_ended = end;
        self.sent += body;
        self.credit = self
            .credit
            .map(|credit| credit.checked_sub(body).expect("stream credit"));
    }

    /// The side's direction streams, and begins with this window.
    pub(super) fn begin_stream(&mut self, window: u32) {
        self.credit = Some(u64::from(window) + self.early);
    }

    /// The peer lets the side send more.
    pub(super) fn grant(&mut self, credit: u64) {
        match &mut self.credit {
            Some(left) => *left += credit,
            None => self.early += credit,
        }
    }

    /// Bytes that the peer may send in DATA.
    pub(super) fn room(&self, connection: u64) -> u64 {
        connection.min(self.peer_credit.unwrap_or(u64::MAX))
    }
}
