//! The frame: a 16-byte header and a payload, under one checksum.

use bytes::{Buf, Bytes, BytesMut};

use super::fault::Fault;

/// First bytes of each direction; the last one is the major version.
pub const PREFACE: [u8; 8] = [0x89, b'M', b'R', b'P', b'C', 0x0D, 0x0A, MAJOR_VERSION];

/// The version that this implementation speaks.
pub const MAJOR_VERSION: u8 = 1;

/// Bytes of a frame header.
pub const HEADER_LEN: usize = 16;

/// Bytes of a frame header before the sum, and under it.
pub(super) const SUMMED: usize = 12;

/// Largest payload during the handshake.
pub(super) const HANDSHAKE_MAX_FRAME: u32 = 16_384;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameType {
    /// The client's side of the handshake.
    ClientHello = 0x01,
    /// The server's side of the handshake.
    ServerHello = 0x02,
    /// The client's proof of a shared key, which ends the handshake where there is one.
    Auth = 0x03,
    /// Begins a call.
    Open = 0x10,
    /// Begins the answer, and commits the call.
    Reply = 0x11,
    /// More bytes of a direction.
    Data = 0x12,
    /// The responder's last word.
    Status = 0x13,
    /// Forgets a stream.
    Reset = 0x14,
    /// Allows the peer to send more.
    Credit = 0x15,
    /// Asks for a sign of life.
    Ping = 0x20,
    /// Gives it.
    Pong = 0x21,
    /// No more calls on this connection.
    GoAway = 0x22,
    /// Something worth knowing; always ignorable.
    Info = 0x23,
}

/// Bits of the header's flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u8);

impl Flags {
    /// The sender's direction is complete.
    pub const END: Flags = Flags(0x01);
    /// The sender waits for credit: return what is owed at once.
    pub const CREDIT_NOW: Flags = Flags(0x10);

    /// True if every bit of `other` is set.
    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits of both.
    #[must_use]
    pub fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// How frames are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Checksum {
    /// Not at all; the field is 0.
    Off = 0,
    /// CRC-32 as in ISO-HDLC (zlib, Ethernet).
    Crc32 = 1,
}

/// A sum that is not complete.
#[derive(Clone, Debug)]
pub(super) struct Sum(Option<crc32fast::Hasher>);

/// A frame whose checksum was verified. The type may be one this version does not know; those are
/// from 0x80 on, and ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is for, `None` if this version does not know it.
    pub kind: Option<FrameType>,
    /// Flags.
    pub flags: Flags,
    /// Stream id, 0 for the connection.
    pub stream: u64,
    /// What follows the header.
    pub payload: Bytes,
}

impl FrameType {
    /// Every type of this version.
    pub const ALL: [FrameType; 13] = [
        FrameType::ClientHello,
        FrameType::ServerHello,
        FrameType::Auth,
        FrameType::Open,
        FrameType::Reply,
        FrameType::Data,
        FrameType::Status,
        FrameType::Reset,
        FrameType::Credit,
        FrameType::Ping,
        FrameType::Pong,
        FrameType::GoAway,
        FrameType::Info,
    ];

    fn from_wire(number: u8) -> Option<FrameType> {
        /// The types at their numbers.
        const BY_NUMBER: [Option<FrameType>; 256] = {
            let mut types = [None; 256];
            let mut rest: &[FrameType] = &FrameType::ALL;
            while let [first, others @ ..] = rest {
                types[*first as usize] = Some(*first);
                rest = others;
            }
            types
        };
        BY_NUMBER[usize::from(number)]
    }

    /// Whether frames of this type are sent because of what the peer sent.
    pub(super) fn is_answer(self) -> bool {
        matches!(
            self,
            FrameType::Reply | FrameType::Status | FrameType::Credit | FrameType::Pong
        )
    }

    /// Flags that this type of frame may carry.
    fn allowed_flags(self) -> u8 {
        match self {
            FrameType::Open | FrameType::Reply => Flags::END.0,
            FrameType::Data => Flags::END.0 | Flags::CREDIT_NOW.0,
            FrameType::Status => Flags::END.0,
            _ => 0,
        }
    }

    /// Whether it belongs to a stream, to the connection, or to either.
    fn allows_stream(self, stream: u64) -> bool {
        match self {
            FrameType::Credit => true,
            FrameType::Open
            | FrameType::Reply
            | FrameType::Data
            | FrameType::Status
            | FrameType::Reset => stream != 0,
            _ => stream == 0,
        }
    }
}

impl Checksum {
    /// The sum over the first twelve header bytes and the payload.
    pub fn sum(self, header: &[u8], payload: &[u8]) -> u32 {
        let mut sum = self.begin(header);
        sum.add(payload);
        sum.finish()
    }

    /// The same over a whole frame, whose header is then of no use: it is moved over the place of
    /// the sum, so that it is next to the payload. One run is summed faster than two.
    fn sum_frame(self, frame: &mut [u8]) -> u32 {
        if self == Checksum::Off {
            return 0;
        }
        frame.copy_within(..SUMMED, HEADER_LEN - SUMMED);
        crc32fast::hash(&frame[HEADER_LEN - SUMMED..])
    }

    /// The same, of a payload that comes in pieces.
    pub(super) fn begin(self, header: &[u8]) -> Sum {
        let mut sum = Sum(match self {
            Checksum::Off => None,
            Checksum::Crc32 => Some(crc32fast::Hasher::new()),
        });
        sum.add(header);
        sum
    }
}

impl Sum {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.0 {
            hasher.update(bytes);
        }
    }

    pub(super) fn finish(self) -> u32 {
        self.0.map_or(0, crc32fast::Hasher::finalize)
    }
}

/// Appends a frame to `out`. `payload` appends the payload and nothing else.
///
/// The payload must be shorter than 2^24 bytes; callers cut at the peer's `max_frame`, which is.
pub fn put_frame(
    out: &mut Vec<u8>,
    checksum: Checksum,
    kind: FrameType,
    flags: Flags,
    stream: u64,
    payload: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_LEN]);
    payload(out);
    let frame = &mut out[start..];
    let header = header(kind, flags, stream, frame.len() - HEADER_LEN);
    frame[..SUMMED].copy_from_slice(&header);
    let sum = checksum.sum_frame(frame);
    frame[..SUMMED].copy_from_slice(&header);
    frame[SUMMED..HEADER_LEN].copy_from_slice(&sum.to_le_bytes());
}

/// What precedes the sum in a frame whose payload has `len` bytes.
pub(super) fn header(kind: FrameType, flags: Flags, stream: u64, len: usize) -> [u8; SUMMED] {
    debug_assert!(len < 1 << 24, "a payload is cut before it is framed");
    let mut header = [0; SUMMED];
    header[..3].copy_from_slice(&(len as u32).to_le_bytes()[..3]);
    header[3] = kind as u8;
    header[4] = flags.0;
    header[5..].copy_from_slice(&stream.to_le_bytes()[..7]);
    header
}

/// Cuts a byte stream into verified frames.
#[derive(Clone, Copy, Debug)]
pub struct FrameReader {
    /// Largest payload taken.
    pub max_frame: u32,
    /// How frames are summed.
    pub checksum: Checksum,
}

/// A header by itself: nothing of it is verified but that it can be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) kind: Option<FrameType>,
    pub(super) flags: Flags,
    pub(super) stream: u64,
    /// Length of the payload.
    pub(super) len: usize,
    pub(super) sum: u32,
}

impl FrameReader {
    /// Takes the next frame off `input`; `None` if it is not whole yet.
    ///
    /// # Errors
    /// [`Fault::FrameTooLarge`] as soon as the header says so, before anything is reserved for it;
    /// [`Fault::Checksum`]; [`Fault::Malformed`] for flags, stream ids or types that cannot be.
    pub fn next(&self, input: &mut BytesMut) -> Result<Option<Frame>, Fault> {
        let Some(len) = self.payload_len(input)? else {
            return Ok(None);
        };
        let total = HEADER_LEN + len;
        if input.len() < total {
            return Ok(None);
        }
        let (header, number) = (Header::of(input, len), input[3]);
        if header.sum != self.checksum.sum_frame(&mut input[..total]) {
            return Err(Fault::Checksum);
        }
        header.check(number)?;
        let mut frame = input.split_to(total);
        frame.advance(HEADER_LEN);
        Ok(Some(Frame {
            kind: header.kind,
            flags: header.flags,
            stream: header.stream,
            payload: frame.freeze(),
        }))
    }

    /// The header of a frame that is not whole.
    pub(super) fn begun(&self, input: &[u8]) -> Option<Header> {
        let len = self.payload_len(input).ok().flatten()?;
        let header = Header::of(input, len);
        let is_sound = header.check(input[3]).is_ok();
        (is_sound && input.len() < HEADER_LEN + len).then_some(header)
    }

    /// Bytes that the frame `input` begins with lacks; `None` if its length is not known yet.
    pub fn lacks(&self, input: &[u8]) -> Option<usize> {
        let len = self.payload_len(input).ok().flatten()?;
        Some((HEADER_LEN + len).saturating_sub(input.len()))
    }

    /// `None` before the header is whole.
    fn payload_len(&self, input: &[u8]) -> Result<Option<usize>, Fault> {
        if input.len() < HEADER_LEN {
            return Ok(None);
        }
        let len = u32::from_le_bytes([input[0], input[1], input[2], 0]);
        if len > self.max_frame {
            return Err(Fault::FrameTooLarge {
                len,
                max: self.max_frame,
            });
        }
        Ok(Some(len as usize))
    }
}

impl Header {
    /// The first bytes of `input`, which has as many.
    fn of(input: &[u8], len: usize) -> Self {
        let mut id = [0; 8];
        id[..7].copy_from_slice(&input[5..12]);
        Self {
            kind: FrameType::from_wire(input[3]),
            flags: Flags(input[4]),
            stream: u64::from_le_bytes(id),
            len,
            sum: u32::from_le_bytes([input[12], input[13], input[14], input[15]]),
        }
    }

    /// `number` is the type as it came.
    fn check(&self, number: u8) -> Result<(), Fault> {
        match self.kind {
            Some(kind) if self.flags.0 & !kind.allowed_flags() != 0 => {
                Err(Fault::Malformed("a flag that this frame cannot carry"))
            }
            Some(kind) if !kind.allows_stream(self.stream) => {
                Err(Fault::Malformed("a stream id that this frame cannot have"))
            }
            None if number < 0x80 => Err(Fault::UnknownFrame(number)),
            _ => Ok(()),
        }
    }
}
