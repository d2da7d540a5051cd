//! What an input says.

use std::time::Duration;

use arbitrary::Arbitrary;
use meshrpc::wire::{CallKind, Config, Limits};

/// The limits of both sides.
#[derive(Arbitrary, Debug)]
pub(super) struct Setting {
    streams: u8,
    window: u8,
    connection_window: u8,
    inline: u8,
    message: u8,
    unchecked: bool,
    peer_frame: u8,
    peer_streams: u8,
    peer_window: u8,
    peer_connection_window: u16,
    peer_inline: u8,
    peer_message: u16,
}

/// What happens next.
#[derive(Arbitrary, Debug)]
pub(super) enum Step {
    /// The peer sends a frame.
    Frame {
        sent: Sent,
        /// Whether it keeps to the rules as far as it can.
        honest: u8,
        damage: u8,
        at: u8,
    },
    /// Client: the owner makes a call.
    Call { kind: u8, len: u16, deadline: u8 },
    /// Client: the owner gives a call up.
    Cancel(Which),
    /// Server: a handler answers.
    Reply { call: Which, len: u16 },
    /// Server: a handler begins a stream.
    ReplyStream(Which),
    /// Server: a handler fails, or ends its stream so.
    Fail { call: Which, message: u16 },
    /// The owner writes to a stream.
    Write { call: Which, len: u16 },
    /// The owner ends a stream.
    Finish(Which),
    /// The owner reads a stream, as far as there is something.
    Read(Which),
    /// The owner stops reading.
    Stop(Which),
    /// What goes out is taken; handed to the kernel at once, or with what follows.
    Transmit { late: bool },
    /// Time passes.
    Wait(u8),
    /// The owner begins an orderly end.
    GoAway(u8),
}

/// A frame of the peer.
#[derive(Arbitrary, Debug)]
pub(super) enum Sent {
    Open {
        id: Which,
        kind: u8,
        end: bool,
        len: u16,
        hint: u8,
        time: u8,
        metadata: u8,
    },
    Reply {
        id: Which,
        end: bool,
        len: u16,
        hint: u8,
        metadata: u8,
    },
    Data {
        id: Which,
        end: bool,
        now: bool,
        len: u16,
    },
    Status {
        id: Which,
        code: u8,
        reason: u8,
        detail: u8,
    },
    Reset {
        id: Which,
    },
    Credit {
        id: Which,
        connection: bool,
        grant: u16,
    },
    Ping,
    Pong(bool),
    GoAway {
        id: Which,
        soft: bool,
        reason: u8,
    },
    Info,
    Unknown,
    Any {
        kind: u8,
        flags: u8,
        id: Which,
        payload: u8,
    },
}

/// One of the calls there are, most often one of the last; or one that is none.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Which(pub(super) u8);

impl Which {
    /// A call out of `ids`, which has one at least.
    pub(super) fn of(self, ids: &[u64]) -> u64 {
        let back = usize::from(self.0) % ids.len().min(16);
        ids[ids.len() - 1 - back]
    }

    /// A call out of `ids`, or something else.
    pub(super) fn any(self, ids: &[u64]) -> u64 {
        let last = ids.last().copied().unwrap_or(0);
        match self.0 {
            0..200 if !ids.is_empty() => self.of(ids),
            ..240 => last + 2 + 2 * u64::from(self.0 % 4),
            240..248 => u64::from(self.0 % 8),
            _ => (1 << 56) - 1 - u64::from(self.0 % 3),
        }
    }
}

impl Setting {
    pub(super) fn config(&self) -> Config {
        Config {
            max_frame: 16_384,
            max_message: u64::from(self.message) << 9,
            max_streams: 1 + u32::from(self.streams % 6),
            connection_window: u32::from(self.connection_window) << 9,
            stream_window: u32::from(self.window) << 7,
            inline_max: u32::from(self.inline) << 5,
            checksum: !self.unchecked,
            ..Config::default()
        }
    }

    pub(super) fn peer_limits(&self) -> Limits {
        Limits {
            max_frame: 16_384 + (u32::from(self.peer_frame) << 7),
            max_message: u64::from(self.peer_message) << 2,
            max_streams: 1 + u32::from(self.peer_streams % 8),
            connection_window: 1 + u32::from(self.peer_connection_window),
            stream_window: 1 + (u32::from(self.peer_window) << 8),
            inline_max: u32::from(self.peer_inline) << 5,
        }
    }
}

/// Mostly short, at times long.
pub(super) fn length(number: u16) -> usize {
    usize::from(if number.is_multiple_of(8) {
        number
    } else {
        number % 300
    })
}

pub(super) fn kind(number: u8) -> CallKind {
    match number % 8 {
        0..3 => CallKind::Unary,
        3 => CallKind::ServerStream,
        4 => CallKind::ClientStream,
        _ => CallKind::BothStream,
    }
}

/// From a millisecond to minutes.
pub(super) fn time(number: u8) -> Duration {
    Duration::from_millis(1 << (number % 18))
}
