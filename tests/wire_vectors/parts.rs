//! The parts that vectors are made of: hellos, heads, frames.

use std::{sync::Arc, time::Duration};

use meshrpc::{
    Code, Started,
    wire::{
        CallKind, Checksum, Codec, ContractVerdict, Detail, Flags, FrameType, GoAway, GoAwayReason,
        Hello, Limits, Metadata, MethodOffer, OpenHead, Reason, ReplyHead, Retry, Status,
        put_frame, put_go_away, put_open, put_reply, put_status,
    },
};

/// Key of `Greeter/greet`.
pub(crate) const GREET: u64 = 0x9b3e_47b1_95eb_0cdf;

/// `{"name": "Max"}` with field names.
pub(crate) const MAX: &[u8] = b"\x81\xa4name\xa3Max";

/// A frame, summed.
pub(crate) fn frame(kind: FrameType, flags: Flags, stream: u64, payload: &[u8]) -> Vec<u8> {
    raw(kind as u8, flags.0, stream, payload)
}

/// A frame that this side might never write, with a right sum.
pub(crate) fn raw(kind: u8, flags: u8, stream: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes()[..3]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_le_bytes()[..7]);
    let sum = Checksum::Crc32.sum(&out, payload);
    out.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(payload);
    out
}

/// A frame as this side writes it.
pub(crate) fn written(kind: FrameType, flags: Flags, stream: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_frame(&mut out, Checksum::Crc32, kind, flags, stream, |out| {
        out.extend_from_slice(payload)
    });
    out
}

/// A tagged value.
pub(crate) fn tagged(id: u16, value: &[u8]) -> Vec<u8> {
    let mut out = id.to_le_bytes().to_vec();
    out.extend_from_slice(&(value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
    out
}

pub(crate) fn limits() -> Limits {
    Limits {
        max_frame: 262_152,
        max_message: 1 << 27,
        max_streams: 1024,
        connection_window: 4 << 20,
        stream_window: 1 << 20,
        inline_max: 16 << 10,
    }
}

pub(crate) fn client_hello() -> Hello {
    Hello {
        ping_min: Duration::from_secs(5),
        checksum: Checksum::Crc32,
        codecs: 0b110,
        name: Arc::from("mesh_api"),
        wanted: vec![("Greeter".into(), 0x0102_0304_0506_0708)],
        ..Hello::new(limits())
    }
}

pub(crate) fn server_hello() -> Hello {
    let method = MethodOffer {
        key: GREET,
        fingerprint: 2,
    };
    Hello {
        name: Arc::from("greeter-1"),
        epoch: 7,
        wanted: Vec::new(),
        verdicts: vec![("Greeter".into(), ContractVerdict::Differs(vec![method]))],
        ..client_hello()
    }
}

pub(crate) fn hello_payload(hello: &Hello) -> Vec<u8> {
    let mut payload = Vec::new();
    hello.put(&mut payload, 0x1234);
    payload
}

pub(crate) fn small_open() -> OpenHead {
    OpenHead::new(CallKind::Unary, Codec::FieldNamed, GREET)
}

pub(crate) fn full_open() -> OpenHead {
    let mut metadata = Metadata::new();
    metadata.push("tenant", "a");
    OpenHead {
        codec: Codec::Positional,
        schema: 0xAABB_CCDD,
        time_left: Some(Duration::from_millis(1500)),
        attempt: 2,
        idempotent: true,
        body_len: Some(1 << 20),
        session: Some("acct-7".into()),
        trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        metadata,
        ..small_open()
    }
}

pub(crate) fn open_payload(head: &OpenHead, body: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    put_open(&mut payload, head);
    payload.extend_from_slice(body);
    payload
}

/// OPEN of `Greeter/greet` with this body.
pub(crate) fn open(flags: Flags, stream: u64, body: &[u8]) -> Vec<u8> {
    frame(
        FrameType::Open,
        flags,
        stream,
        &open_payload(&small_open(), body),
    )
}

pub(crate) fn named_reply() -> ReplyHead {
    ReplyHead::new(Codec::FieldNamed)
}

pub(crate) fn reply_payload(head: &ReplyHead, body_len: Option<u64>, body: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    put_reply(&mut payload, head, body_len);
    payload.extend_from_slice(body);
    payload
}

/// DATA that ends its direction: the count, then the last bytes.
pub(crate) fn last_data(stream: u64, total: u64, body: &[u8]) -> Vec<u8> {
    let mut payload = total.to_le_bytes().to_vec();
    payload.extend_from_slice(body);
    frame(FrameType::Data, Flags::END, stream, &payload)
}

pub(crate) fn data(stream: u64, body: &[u8]) -> Vec<u8> {
    frame(FrameType::Data, Flags::default(), stream, body)
}

pub(crate) fn status_payload(status: &Status, sent: u64) -> Vec<u8> {
    let mut payload = Vec::new();
    put_status(&mut payload, status, sent);
    payload
}

pub(crate) fn not_found() -> Status {
    let detail = Detail::Chain(vec!["no such card".into(), "row 7 is missing".into()]);
    Status {
        relayed: true,
        ..Status::application(Code::NotFound, "no such card", detail)
    }
}

pub(crate) fn typed() -> Status {
    let detail = Detail::Typed {
        codec: Codec::FieldNamed,
        bytes: b"\xa5Empty".as_slice().into(),
    };
    Status::application(Code::InvalidArgument, "the name is empty", detail)
}

pub(crate) fn overloaded() -> Status {
    let refusal = Status::refusal(Reason::Overloaded, Started::No, "try later");
    Status {
        retry: Retry::After(Duration::from_millis(250)),
        ..refusal
    }
}

pub(crate) fn success() -> Status {
    let mut status = Status::application(Code::Unknown, "", Detail::None);
    status.code = None;
    status.trailers.push("rows", "3");
    status
}

pub(crate) fn go_away_payload(
    last: u64,
    reason: GoAwayReason,
    soft: bool,
    reconnect_after: Option<Duration>,
    text: &str,
) -> Vec<u8> {
    let go_away = GoAway {
        last,
        reason,
        soft,
        reconnect_after,
        text: text.into(),
    };
    let mut payload = Vec::new();
    put_go_away(&mut payload, &go_away);
    payload
}
