//! The bytes of heads, of STATUS and of GOAWAY.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};

use super::{
    buffers,
    excess::{MAX_METADATA_BYTES, MAX_METADATA_ENTRIES, check_metadata, check_session_key},
    fault::{Fault, GoAwayReason},
    head::{CallKind, Codec, Detail, Metadata, OpenHead, Reason, ReplyHead, Retry, Status},
    tlv,
};
use crate::error::{Code, Started};

/// Bytes of an OPEN head before its tagged values.
const OPEN_FIXED: usize = 24;
/// Bytes of a REPLY head before its tagged values.
const REPLY_FIXED: usize = 4;
/// Bytes of a STATUS before its message.
const STATUS_FIXED: usize = 24;
/// Longest message of a STATUS.
const MAX_STATUS_MESSAGE: usize = 1024;
/// Most sources of an error that travel.
const MAX_CHAIN: usize = 64;

mod id {
    pub(super) const TRACE: u16 = 1;
    pub(super) const SESSION: u16 = 2;
    pub(super) const METADATA: u16 = 3;
    pub(super) const BODY_LEN: u16 = 5;
}

mod bits {
    pub(super) const IDEMPOTENT: u8 = 0x01;
    pub(super) const RELAYED: u8 = 0x01;
    pub(super) const DETAIL_TYPED: u8 = 0x02;
    pub(super) const DETAIL_CHAIN: u8 = 0x04;
}

/// Why a head was not understood.
#[derive(Debug, PartialEq)]
pub enum HeadError {
    /// The connection cannot go on.
    Fault(Fault),
    /// This call cannot; others can.
    Refuse(&'static str),
}

impl From<Fault> for HeadError {
    fn from(fault: Fault) -> Self {
        HeadError::Fault(fault)
    }
}

/// Appends an OPEN head. Metadata and session key were checked by [`check_metadata`] and length.
pub fn put_open(out: &mut Vec<u8>, head: &OpenHead) {
    let start = out.len();
    out.put_u16_le(0);
    out.put_u8(head.kind as u8);
    out.put_u8(head.codec as u8);
    out.put_u64_le(head.method);
    out.put_u32_le(head.schema);
    out.put_u32_le(head.time_left.map_or(0, milliseconds));
    out.put_u8(head.attempt);
    out.put_u8(if head.idempotent { bits::IDEMPOTENT } else { 0 });
    out.put_u16_le(0);
    if let Some(trace) = &head.trace {
        tlv::put(out, id::TRACE, |out| out.put_slice(trace.as_bytes()));
    }
    if let Some(session) = &head.session {
        tlv::put(out, id::SESSION, |out| out.put_slice(session.as_bytes()));
    }
    if let Some(len) = head.body_len {
        tlv::put(out, id::BODY_LEN, |out| out.put_u64_le(len));
    }
    put_metadata(out, &head.metadata);
    end_head(out, start);
}

/// Reads an OPEN payload: the head, and the body bytes behind it.
pub fn parse_open(payload: Bytes) -> Result<(OpenHead, Bytes), HeadError> {
    let (head, len) = open_head(&payload)?;
    Ok((head, after(payload, len)))
}

/// Reads the head of an OPEN payload, and tells its length.
pub(super) fn open_head(payload: &Bytes) -> Result<(OpenHead, usize), HeadError> {
    let len = head_len(payload, OPEN_FIXED)?;
    let mut head = &payload[2..OPEN_FIXED];
    let kind = CallKind::from_wire(head.get_u8());
    let codec = Codec::from_wire(head.get_u8());
    let method = head.get_u64_le();
    let schema = head.get_u32_le();
    let time_left = match head.get_u32_le() {
        0 => None,
        ms => Some(Duration::from_millis(ms.into())),
    };
    let attempt = head.get_u8();
    let bit = head.get_u8();
    head.advance(2);

    let mut open = OpenHead {
        kind: kind.ok_or(HeadError::Refuse(
            "a kind of call this version does not know",
        ))?,
        codec: codec.ok_or(HeadError::Refuse("a codec this version does not know"))?,
        method,
        schema,
        time_left,
        attempt,
        idempotent: bit & bits::IDEMPOTENT != 0,
        body_len: None,
        session: None,
        trace: None,
        metadata: Metadata::new(),
    };
    if bit & !bits::IDEMPOTENT != 0 {
        return Err(HeadError::Refuse(
            "a bit of a call this version does not know",
        ));
    }
    let mut unknown = false;
    tlv::each(payload.slice(OPEN_FIXED..len), |number, value| {
        match number & !tlv::CRITICAL {
            id::TRACE => open.trace = Some(tlv::text(&value)?.to_owned()),
            id::SESSION => {
                let key = tlv::text(&value)?;
                check_session_key(key)?;
                open.session = Some(key.to_owned());
            }
            id::METADATA => parse_metadata(&mut open.metadata, value)?,
            id::BODY_LEN => open.body_len = Some(u64::from_le_bytes(tlv::array(&value)?)),
            _ => unknown |= number & tlv::CRITICAL != 0,
        }
        Ok(())
    })?;
    if unknown {
        return Err(HeadError::Refuse(
            "a critical value this version does not know",
        ));
    }
    Ok((open, len))
}

/// Appends a REPLY head.
pub fn put_reply(out: &mut Vec<u8>, head: &ReplyHead, body_len: Option<u64>) {
    let start = out.len();
    out.put_u16_le(0);
    out.put_u8(head.codec as u8);
    out.put_u8(0);
    if let Some(len) = body_len {
        tlv::put(out, id::BODY_LEN, |out| out.put_u64_le(len));
    }
    put_metadata(out, &head.metadata);
    end_head(out, start);
}

/// Reads a REPLY payload: the head, the announced length, and the body bytes behind it.
pub fn parse_reply(payload: Bytes) -> Result<(ReplyHead, Option<u64>, Bytes), HeadError> {
    let (head, body_len, len) = reply_head(&payload)?;
    Ok((head, body_len, after(payload, len)))
}

/// Reads the head of a REPLY payload, and tells the announced length and its own.
pub(super) fn reply_head(payload: &Bytes) -> Result<(ReplyHead, Option<u64>, usize), HeadError> {
    let len = head_len(payload, REPLY_FIXED)?;
    let codec = Codec::from_wire(payload[2]);
    let codec = codec.ok_or(HeadError::Refuse("a codec this version does not know"))?;
    let mut reply = ReplyHead::new(codec);
    let mut body_len = None;
    let mut unknown = false;
    tlv::each(payload.slice(REPLY_FIXED..len), |number, value| {
        match number & !tlv::CRITICAL {
            id::METADATA => parse_metadata(&mut reply.metadata, value)?,
            id::BODY_LEN => body_len = Some(u64::from_le_bytes(tlv::array(&value)?)),
            _ => unknown |= number & tlv::CRITICAL != 0,
        }
        Ok(())
    })?;
    if unknown {
        return Err(HeadError::Refuse(
            "a critical value this version does not know",
        ));
    }
    Ok((reply, body_len, len))
}

/// Appends a STATUS payload; `sent` is the total of body bytes of this direction.
pub fn put_status(out: &mut Vec<u8>, status: &Status, sent: u64) {
    let message = cut(&status.message, MAX_STATUS_MESSAGE);
    let (detail_bit, codec) = match &status.detail {
        Detail::None => (0, 0),
        Detail::Typed { codec, .. } => (bits::DETAIL_TYPED, *codec as u8),
        Detail::Chain(_) => (bits::DETAIL_CHAIN, 0),
    };
    out.put_u64_le(sent);
    out.put_u8(status.code.map_or(0, |code| code as u8));
    out.put_u8(status.started as u8);
    out.put_u8(detail_bit | if status.relayed { bits::RELAYED } else { 0 });
    out.put_u8(codec);
    out.put_u32_le(match status.retry {
        Retry::Unspecified => 0,
        Retry::After(time) => milliseconds(time).min(u32::MAX - 1),
        Retry::Never => u32::MAX,
    });
    out.put_u8(status.reason as u8);
    out.put_u8(0);
    out.put_u16_le(message.len() as u16);
    let trailers_at = out.len();
    out.put_u32_le(0);
    out.put_slice(message.as_bytes());
    let trailers = out.len();
    put_metadata(out, &status.trailers);
    let trailers = (out.len() - trailers) as u32;
    out[trailers_at..trailers_at + 4].copy_from_slice(&trailers.to_le_bytes());
    match &status.detail {
        Detail::None => {}
        Detail::Typed { bytes, .. } => out.put_slice(bytes),
        Detail::Chain(chain) => {
            for message in chain.iter().take(MAX_CHAIN) {
                out.put_u32_le(message.len() as u32);
                out.put_slice(message.as_bytes());
            }
        }
    }
}

/// Bytes of a REPLY head, at most.
pub(super) fn reply_head_bound() -> usize {
    REPLY_FIXED + 12 + MAX_METADATA_BYTES + 5 * MAX_METADATA_ENTRIES
}

/// Bytes of a STATUS beside its detail, at most.
pub(super) fn status_overhead() -> usize {
    STATUS_FIXED + MAX_STATUS_MESSAGE + MAX_METADATA_BYTES + 8 * MAX_METADATA_ENTRIES
}

/// Reads a STATUS payload: the status, and the total of body bytes before it.
pub fn parse_status(mut payload: Bytes) -> Result<(Status, u64), Fault> {
    if payload.len() < STATUS_FIXED {
        return Err(Fault::Malformed("a status is cut short"));
    }
    let sent = payload.get_u64_le();
    let code = match payload.get_u8() {
        0 => None,
        number => Some(Code::from_wire(number)),
    };
    let started = Started::from_wire(payload.get_u8());
    let bit = payload.get_u8();
    let codec = payload.get_u8();
    let retry = match payload.get_u32_le() {
        0 => Retry::Unspecified,
        u32::MAX => Retry::Never,
        ms => Retry::After(Duration::from_millis(ms.into())),
    };
    let reason = Reason::from_wire(payload.get_u8());
    payload.advance(1);
    let message_len = usize::from(payload.get_u16_le());
    let trailers_len = payload.get_u32_le() as usize;
    if message_len > MAX_STATUS_MESSAGE || payload.len() < message_len.saturating_add(trailers_len)
    {
        return Err(Fault::Malformed("a status is cut short"));
    }
    let message = tlv::text(&payload.split_to(message_len))?.to_owned();
    let mut trailers = Metadata::new();
    tlv::each(payload.split_to(trailers_len), |number, value| {
        match number & !tlv::CRITICAL {
            id::METADATA => parse_metadata(&mut trailers, value),
            _ => Ok(()),
        }
    })?;
    let detail = if bit & bits::DETAIL_TYPED != 0 {
        let codec =
            Codec::from_wire(codec).ok_or(Fault::Malformed("an unknown codec in a status"))?;
        Detail::Typed {
            codec,
            bytes: payload,
        }
    } else if bit & bits::DETAIL_CHAIN != 0 {
        Detail::Chain(parse_chain(payload)?)
    } else {
        Detail::None
    };
    let relayed = bit & bits::RELAYED != 0;
    Ok((
        Status {
            code,
            started,
            relayed,
            reason,
            retry,
            message,
            trailers,
            detail,
        },
        sent,
    ))
}

/// A GOAWAY payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoAway {
    /// Calls with a higher id were not and will not be started.
    pub last: u64,
    /// Why.
    pub reason: GoAwayReason,
    /// First phase: the final one, with the real last id, follows.
    pub soft: bool,
    /// When to dial this address again; `None`: as the dialer's back-off says.
    pub reconnect_after: Option<Duration>,
    /// In words.
    pub text: String,
}

/// Appends a GOAWAY payload.
pub fn put_go_away(out: &mut Vec<u8>, go_away: &GoAway) {
    out.put_u64_le(go_away.last);
    out.put_u8(go_away.reason as u8);
    out.put_u8(u8::from(go_away.soft));
    out.put_u16_le(0);
    out.put_u32_le(go_away.reconnect_after.map_or(0, milliseconds));
    out.put_slice(cut(&go_away.text, MAX_STATUS_MESSAGE).as_bytes());
}

/// Reads a GOAWAY payload.
pub fn parse_go_away(mut payload: Bytes) -> Result<GoAway, Fault> {
    if payload.len() < 16 || payload.len() > 16 + MAX_STATUS_MESSAGE {
        return Err(Fault::Malformed("a go-away has a wrong length"));
    }
    let last = payload.get_u64_le();
    let reason = GoAwayReason::from_wire(payload.get_u8());
    let soft = payload.get_u8() & 1 != 0;
    payload.advance(2);
    let reconnect_after = match payload.get_u32_le() {
        0 => None,
        ms => Some(Duration::from_millis(ms.into())),
    };
    Ok(GoAway {
        last,
        reason,
        soft,
        reconnect_after,
        text: tlv::text(&payload)?.to_owned(),
    })
}

fn put_metadata(out: &mut Vec<u8>, metadata: &Metadata) {
    for (key, value) in metadata.iter() {
        tlv::put(out, id::METADATA, |out| {
            out.put_u8(key.len() as u8);
            out.put_slice(key.as_bytes());
            out.put_slice(value);
        });
    }
}

fn parse_metadata(metadata: &mut Metadata, mut value: Bytes) -> Result<(), Fault> {
    if value.is_empty() || value.len() <= usize::from(value[0]) {
        return Err(Fault::Malformed("a metadata entry is cut short"));
    }
    let key_len = usize::from(value.get_u8());
    let key = value.split_to(key_len);
    metadata.push(tlv::text(&key)?, value);
    check_metadata(metadata).map_err(Fault::Excess)
}

fn parse_chain(mut payload: Bytes) -> Result<Vec<String>, Fault> {
    let mut chain = Vec::new();
    while !payload.is_empty() {
        if payload.len() < 4 || chain.len() == MAX_CHAIN {
            return Err(Fault::Malformed("an error's sources are cut short"));
        }
        let len = payload.get_u32_le() as usize;
        if payload.len() < len {
            return Err(Fault::Malformed("an error's sources are cut short"));
        }
        chain.push(tlv::text(&payload.split_to(len))?.to_owned());
    }
    Ok(chain)
}

/// Length of the head that `payload` begins with; at least `fixed`, and all of it there.
fn head_len(payload: &[u8], fixed: usize) -> Result<usize, Fault> {
    if payload.len() < fixed {
        return Err(Fault::Malformed("a head is cut short"));
    }
    let len = usize::from(u16::from_le_bytes([payload[0], payload[1]]));
    if len < fixed || len > payload.len() {
        return Err(Fault::Malformed("a head has a wrong length"));
    }
    Ok(len)
}

/// What follows a head whose length is sound.
pub(super) fn after_head(payload: &Bytes) -> Bytes {
    let len = head_len(payload, REPLY_FIXED).unwrap_or(payload.len());
    after(payload.clone(), len)
}

fn after(mut payload: Bytes, head: usize) -> Bytes {
    payload.advance(head);
    payload
}

/// The body bytes behind a head of `head` bytes. Few are copied, which leaves the memory of what was
/// read to what is read next.
pub(super) fn body_after(payload: &Bytes, head: usize) -> Bytes {
    let body = &payload[head..];
    if body.len() <= buffers::SHORT {
        Bytes::copy_from_slice(body)
    } else {
        payload.slice(head..)
    }
}

fn end_head(out: &mut [u8], start: usize) {
    let len = (out.len() - start) as u16;
    out[start..start + 2].copy_from_slice(&len.to_le_bytes());
}

/// Whole milliseconds, rounded up, so that a little time left is never "none".
fn milliseconds(time: Duration) -> u32 {
    let millis = u64::from(time.subsec_nanos().div_ceil(1_000_000));
    let millis = time.as_secs().saturating_mul(1000).saturating_add(millis);
    u32::try_from(millis).unwrap_or(u32::MAX).max(1)
}

/// At most `max` bytes of `text`, at a character's border.
pub(super) fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl CallKind {
    fn from_wire(number: u8) -> Option<CallKind> {
        match number {
            0 => Some(CallKind::Unary),
            1 => Some(CallKind::ServerStream),
            2 => Some(CallKind::ClientStream),
            3 => Some(CallKind::BothStream),
            _ => None,
        }
    }

    /// The caller's direction is a stream.
    pub fn streams_out(self) -> bool {
        matches!(self, CallKind::ClientStream | CallKind::BothStream)
    }

    /// The callee's direction is a stream.
    pub fn streams_in(self) -> bool {
        matches!(self, CallKind::ServerStream | CallKind::BothStream)
    }
}
