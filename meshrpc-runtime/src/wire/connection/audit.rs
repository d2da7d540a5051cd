//! The sums of a connection, for a test that holds both sides beside each other.

use super::Connection;

/// What a connection counts and keeps.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Audit<'a> {
    /// Frames that wait to be taken by [`Connection::transmit`].
    pub queued: &'a [u8],
    /// Connection credit that this side may spend.
    pub send: u64,
    /// Connection credit that the peer may spend, as this side counts it.
    pub receive: u64,
    /// Connection credit that the peer is owed.
    pub owed: u64,
    /// Streams that count against `max_streams`.
    pub open: u32,
    /// Calls that wait for room.
    pub waiting: usize,
    /// Streams in the bulk queue.
    pub bulk: usize,
    /// Server: handlers whose callers are gone.
    pub abandoned: usize,
    /// Each stream that is remembered, by id.
    pub streams: Vec<StreamAudit>,
}

/// What is kept of a stream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StreamAudit {
    /// Its id.
    pub id: u64,
    /// Both directions are over on the wire.
    pub over: bool,
    /// Bytes that wait to be cut into frames.
    pub queued: usize,
    /// Stream credit that this side may spend, if it streams and has begun.
    pub send: Option<u64>,
    /// Body bytes that arrived.
    pub received: u64,
    /// The peer's direction is complete.
    pub ended: bool,
    /// What is open of the peer's direction, if it streams, has begun and somebody reads it.
    pub inbound: Option<StreamWindow>,
}

/// The stream credit of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamWindow {
    /// Bytes that it may send.
    pub receive: u64,
    /// Bytes that it is owed.
    pub owed: u64,
    /// Bytes that wait to be read.
    pub unread: u64,
}

impl Connection {
    /// What this side counts and keeps now.
    pub fn audit(&self) -> Audit<'_> {
        let mut streams: Vec<StreamAudit> = self
            .streams
            .iter()
            .map(|(id, stream)| {
                let outbound = stream.outbound.as_ref();
                let credit = outbound.and_then(|outbound| outbound.credit);
                StreamAudit {
                    id,
                    over: stream.over,
                    queued: outbound.map_or(0, |outbound| outbound.queued()),
                    send: credit.map(|credit| credit.available()),
                    received: stream.received(),
                    ended: stream.inbound_ended(),
                    inbound: stream
                        .inbound
                        .as_ref()
                        .and_then(|inbound| inbound.window())
                        .map(|(window, unread)| StreamWindow {
                            receive: window.available(),
                            owed: window.owed(),
                            unread,
                        }),
                }
            })
            .collect();
        streams.sort_unstable_by_key(|stream| stream.id);
        Audit {
            queued: &self.out,
            send: self.send_credit.available(),
            receive: self.receive_window.available(),
            owed: self.receive_window.owed(),
            open: self.open,
            waiting: self.waiting.len(),
            bulk: self.bulk.len(),
            abandoned: self.abandoned.len(),
            streams,
        }
    }
}
