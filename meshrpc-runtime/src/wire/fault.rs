//! Why a connection ended.

use std::{io, time::Duration};

use super::excess::Excess;
use crate::error::{Code, Error, Kind, Limit};

/// Why a connection ended, by whose fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The peer does not speak this protocol.
    #[error("the peer does not speak meshrpc")]
    NotMeshrpc,
    /// The peer closed before it sent a byte, as a health check does.
    #[error("the peer connected and closed")]
    Probe,
    /// The peer speaks another major version.
    #[error("the peer speaks version {0} of the protocol, this side version 1")]
    Version(u8),
    /// A frame arrived changed.
    #[error("a frame arrived with a wrong checksum")]
    Checksum,
    /// A frame is longer than this side announced.
    #[error("the peer announced a frame of {len} bytes, this side takes {max} (`max_frame`)")]
    FrameTooLarge {
        /// Its length.
        len: u32,
        /// The limit this side announced.
        max: u32,
    },
    /// A frame this version must know and does not.
    #[error("the peer sent a frame of type {0:#04x}, which this version does not know")]
    UnknownFrame(u8),
    /// A frame that does not parse, or came where it cannot.
    #[error("the peer broke the protocol: {0}")]
    Malformed(&'static str),
    /// A head holds more than the protocol takes.
    #[error("the peer broke the protocol: {0}")]
    Excess(#[from] Excess),
    /// The peer sent more than it had credit for.
    #[error("the peer sent more than it had credit for (`connection_window`, `stream_window`)")]
    FlowControl,
    /// The peer opened more calls than this side announced.
    #[error("the peer opened more than twice the {0} calls that it may at a time (`max_streams`)")]
    TooManyStreams(u32),
    /// The peer pinged more often than it may.
    #[error("the peer pinged more often than once in {0:?} (`ping_min`)")]
    HastyPings(Duration),
    /// The peer sent too many frames that bring nothing.
    #[error(
        "the peer sent more frames that bring nothing than it may: {most} at once \
         (`max_idle_frames`)"
    )]
    IdleFrames {
        /// How many may come at once.
        most: u64,
    },
    /// An item of a stream is longer than this side takes.
    #[error("an item of {len} bytes, where this side takes {max} (`max_message`)")]
    ItemTooLong {
        /// Its length.
        len: u64,
        /// The limit this side announced.
        max: u64,
    },
    /// The handshake took too long.
    #[error("the handshake did not end within {0:?} (`handshake_timeout`)")]
    HandshakeTimeout(Duration),
    /// A ping went unanswered.
    #[error("the peer has not answered a ping for {0:?} (`ping_timeout`)")]
    PingTimeout(Duration),
    /// The peer did not prove that it has a key in common with this side.
    #[error("the peer did not prove that it has a shared key")]
    Unproven,
    /// The peer refused the connection, or ended it with a reason.
    #[error("the peer ended the connection: {reason}{}{text}", if text.is_empty() { "" } else { ": " })]
    GoneAway {
        /// Why.
        reason: GoAwayReason,
        /// In the peer's words.
        text: String,
    },
    /// This side refused the peer's hello.
    #[error("this side refused the connection: {reason}{}{text}", if text.is_empty() { "" } else { ": " })]
    Refused {
        /// Why.
        reason: GoAwayReason,
        /// In this side's words.
        text: String,
    },
    /// The byte stream ended.
    #[error("the connection was closed by the peer")]
    Closed,
    /// The byte stream broke.
    #[error("the connection broke: {1}")]
    Transport(io::ErrorKind, String),
    /// This side closed it.
    #[error("the connection was closed by this side")]
    ClosedHere,
    /// It ended in good order.
    #[error("the connection ended in good order")]
    Done,
}

/// Why a side goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[repr(u8)]
pub enum GoAwayReason {
    /// It drains: try another instance.
    #[error("it is draining")]
    Draining = 0,
    /// This side broke the protocol.
    #[error("it found this side breaking the protocol")]
    Protocol = 1,
    /// No version in common.
    #[error("it speaks another version of the protocol")]
    Version = 2,
    /// None of the wanted contracts is served there: the address belongs to somebody else.
    #[error("it serves none of the wanted contracts")]
    NoContract = 3,
    /// Another instance was wanted.
    #[error("it is another instance than the wanted one")]
    WrongInstance = 4,
    /// A limit was exceeded.
    #[error("a limit was exceeded")]
    Limit = 5,
    /// It has as many connections as it takes.
    #[error("it takes no more connections")]
    Full = 6,
    /// The peer did not prove that it has a shared key.
    #[error("it takes only peers that prove to have a key in common with it")]
    Unauthenticated = 7,
    /// A reason of a later version.
    #[error("for a reason this version does not know")]
    Other = 255,
}

impl Fault {
    pub(crate) fn transport(error: &io::Error) -> Self {
        Fault::Transport(error.kind(), error.to_string())
    }

    /// What to tell the peer before closing, if anything: the reason and the words of a GOAWAY.
    pub(crate) fn farewell(&self) -> Option<GoAwayReason> {
        match self {
            Fault::Checksum
            | Fault::FrameTooLarge { .. }
            | Fault::UnknownFrame(_)
            | Fault::Malformed(_)
            | Fault::Excess(_)
            | Fault::FlowControl
            | Fault::ItemTooLong { .. }
            | Fault::HastyPings(_)
            | Fault::HandshakeTimeout(_) => Some(GoAwayReason::Protocol),
            Fault::Unproven => Some(GoAwayReason::Unauthenticated),
            Fault::TooManyStreams(_) | Fault::IdleFrames { .. } => Some(GoAwayReason::Limit),
            Fault::Version(_) => Some(GoAwayReason::Version),
            _ => None,
        }
    }

    /// The error a caller sees, before it is known whether the call started.
    pub(crate) fn to_error(&self) -> Error {
        let kind = match self {
            Fault::GoneAway {
                reason: GoAwayReason::Draining,
                ..
            } => Kind::Refused {
                limit: Limit::Draining,
            },
            Fault::GoneAway {
                reason: GoAwayReason::Full,
                ..
            } => Kind::Refused {
                limit: Limit::Connections,
            },
            Fault::Unproven
            | Fault::GoneAway {
                reason: GoAwayReason::Unauthenticated,
                ..
            } => {
                let error = Error::new(Kind::Denied, self.to_string());
                return error.with_code(Code::Unauthenticated);
            }
            // So a transport says that its peer is not let in, or not trusted.
            Fault::Transport(io::ErrorKind::PermissionDenied, _) => Kind::Denied,
            Fault::ItemTooLong { .. } => Kind::Refused {
                limit: Limit::MessageSize,
            },
            Fault::NotMeshrpc
            | Fault::Version(_)
            | Fault::Checksum
            | Fault::FrameTooLarge { .. }
            | Fault::UnknownFrame(_)
            | Fault::Malformed(_)
            | Fault::Excess(_)
            | Fault::FlowControl
            | Fault::TooManyStreams(_)
            | Fault::IdleFrames { .. }
            | Fault::HastyPings(_)
            | Fault::GoneAway { .. } => Kind::Protocol,
            _ => Kind::Unavailable,
        };
        Error::new(kind, self.to_string())
    }
}

impl GoAwayReason {
    pub(crate) fn from_wire(number: u8) -> Self {
        const ALL: [GoAwayReason; 8] = [
            GoAwayReason::Draining,
            GoAwayReason::Protocol,
            GoAwayReason::Version,
            GoAwayReason::NoContract,
            GoAwayReason::WrongInstance,
            GoAwayReason::Limit,
            GoAwayReason::Full,
            GoAwayReason::Unauthenticated,
        ];
        ALL.into_iter()
            .find(|reason| *reason as u8 == number)
            .unwrap_or(GoAwayReason::Other)
    }
}
