//! The cases behind the vectors.

use std::{sync::Arc, time::Duration, time::Instant};

use bytes::{Bytes, BytesMut};
use meshrpc::{
    Code, Started,
    wire::{
        CallKind, Checksum, Codec, Config, Connection, ContractOffer, ContractVerdict, Detail,
        Flags, Frame, FrameType, GoAway, GoAwayReason, Hello, Limits, Metadata, MethodOffer,
        OpenHead, PREFACE, Reason, ReplyHead, Retry, Status, parse_go_away, parse_open,
        parse_reply, parse_status, put_frame, put_go_away, put_open, put_reply, put_status,
        take_preface,
    },
};

use crate::{Vector, hex};

/// A frame and what it means.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    what: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) check: Box<dyn Fn(&Frame)>,
}

impl Case {
    pub(crate) fn vector(&self) -> Vector {
        Vector {
            name: self.name.into(),
            what: self.what.into(),
            hex: hex(&self.bytes),
        }
    }
}

pub(crate) fn frames() -> Vec<Case> {
    vec![
        client_hello(),
        server_hello(),
        open(
            "open-small",
            "greet(\"Max\") with field names, complete in one frame",
            small_open(),
            b"\x81\xa4name\xa3Max",
        ),
        open(
            "open-with-everything",
            "trace, session, body length, metadata, deadline 1.5 s",
            full_open(),
            b"",
        ),
        reply(),
        data(
            "data",
            "a chunk that does not end its direction",
            Flags::default(),
            None,
            b"chunk",
        ),
        data(
            "data-end",
            "the last chunk: eight bytes of count, then three of body",
            Flags::END,
            Some(8),
            b"end",
        ),
        data(
            "data-credit-now",
            "a chunk whose sender waits for credit",
            Flags::CREDIT_NOW,
            None,
            b"x",
        ),
        status(
            "status-not-found",
            "an error of the method, with its sources",
            not_found(),
        ),
        status("status-typed", "an error of the method, encoded", typed()),
        status(
            "status-overloaded",
            "a refusal: not started, again after 250 ms",
            overloaded(),
        ),
        status("status-success", "the end of a streaming answer", success()),
        plain(
            "reset",
            "the caller gave the call up",
            FrameType::Reset,
            2,
            &[0, 0, 0, 0],
        ),
        plain(
            "credit-connection",
            "65,536 bytes for the connection",
            FrameType::Credit,
            0,
            &65_536u32.to_le_bytes(),
        ),
        plain(
            "credit-stream",
            "4,096 bytes for stream 6",
            FrameType::Credit,
            6,
            &4_096u32.to_le_bytes(),
        ),
        plain(
            "ping",
            "eight opaque bytes",
            FrameType::Ping,
            0,
            b"\x01\x02\x03\x04\x05\x06\x07\x08",
        ),
        plain(
            "pong",
            "the same",
            FrameType::Pong,
            0,
            b"\x01\x02\x03\x04\x05\x06\x07\x08",
        ),
        go_away(
            "goaway-soft",
            "first phase: no new calls",
            u64::MAX,
            true,
            "",
        ),
        go_away(
            "goaway-final",
            "second phase: calls above 40 were not started",
            40,
            false,
            "",
        ),
    ]
}

/// What a server is sent after a good handshake, or instead of one, and what it finds.
pub(crate) fn malformed() -> Vec<(Vector, &'static str)> {
    let after = |frame: Vec<u8>| {
        let mut bytes = PREFACE.to_vec();
        bytes.extend_from_slice(&client_hello().bytes);
        bytes.extend(frame);
        bytes
    };
    let mut flipped = open("", "", small_open(), b"x").bytes;
    flipped[20] ^= 1;
    let mut too_long = frame(FrameType::Open, Flags::END, 2, &[]);
    too_long[..3].copy_from_slice(&[0xFF, 0xFF, 0xFF]);
    let open_2 = open("", "", small_open(), b"x").bytes;
    let mut twice = open_2.clone();
    twice.extend(&open_2);
    let case = |name: &str, what: &str, bytes: Vec<u8>| Vector {
        name: name.into(),
        what: what.into(),
        hex: hex(&bytes),
    };
    vec![
        (
            case(
                "http",
                "an HTTP request",
                b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            ),
            "NotMeshrpc",
        ),
        (
            case(
                "version-2",
                "a preface of another major version",
                b"\x89MRPC\r\n\x02".to_vec(),
            ),
            "Version(2)",
        ),
        (
            case("bit-flip", "one bit of an OPEN changed", after(flipped)),
            "Checksum",
        ),
        (
            case("too-long", "a frame longer than announced", after(too_long)),
            "FrameTooLarge { len: 16777215, max: 262152 }",
        ),
        (
            case("id-reused", "two OPENs with one id", after(twice)),
            "Malformed(\"a stream id that was used before\")",
        ),
        (
            case(
                "id-odd",
                "an OPEN with a server's id",
                after(frame(
                    FrameType::Open,
                    Flags::END,
                    3,
                    &open_payload(&small_open(), b""),
                )),
            ),
            "Malformed(\"a stream id of the wrong side\")",
        ),
        (
            case(
                "id-zero",
                "an OPEN for the connection",
                after(frame(FrameType::Open, Flags::END, 0, &[])),
            ),
            "Malformed(\"a stream id that this frame cannot have\")",
        ),
        (
            case(
                "data-unopened",
                "DATA for a stream that was never opened",
                after(frame(FrameType::Data, Flags::default(), 2, b"x")),
            ),
            "Malformed(\"a frame of a stream that was never opened\")",
        ),
        (
            case(
                "head-cut",
                "an OPEN shorter than its head",
                after(frame(FrameType::Open, Flags::END, 2, &[24, 0, 0])),
            ),
            "Malformed(\"a head is cut short\")",
        ),
        (
            case(
                "reply-from-client",
                "a REPLY sent to a server",
                after(frame(FrameType::Reply, Flags::END, 2, &[4, 0, 1, 0])),
            ),
            "Malformed(\"a frame that this side cannot be sent\")",
        ),
        (
            case(
                "frame-unknown",
                "a frame of type 24",
                after(raw(0x24, 0, 0, &[])),
            ),
            "UnknownFrame(36)",
        ),
        (
            case(
                "flag-unknown",
                "a PING with END",
                after(raw(0x20, 1, 0, &[0; 8])),
            ),
            "Malformed(\"a flag that this frame cannot carry\")",
        ),
        (
            case(
                "ping-short",
                "a PING of seven bytes",
                after(raw(0x20, 0, 0, &[0; 7])),
            ),
            "Malformed(\"a ping has a wrong length\")",
        ),
        (
            case(
                "credit-huge",
                "more connection credit than a window holds",
                after(
                    [[0xFF; 4]; 300]
                        .iter()
                        .flat_map(|grant| raw(0x15, 0, 0, grant))
                        .collect(),
                ),
            ),
            "FlowControl",
        ),
    ]
}

/// Feeds a server and names the fault it finds.
pub(crate) fn fault_at_server(bytes: &[u8]) -> Option<String> {
    let now = Instant::now();
    let greeter = ContractOffer {
        name: "Greeter".into(),
        fingerprint: 1,
        methods: Vec::new(),
    };
    let config = Config {
        contracts: Arc::new([greeter]),
        ..Config::default()
    };
    let mut server = Connection::server(Arc::new(config), 0, now);
    let mut input = BytesMut::from(bytes);
    let mut run = || {
        if take_preface(&mut input)? {
            server.preface_received();
            while let Some(frame) = server.frame_reader().next(&mut input)? {
                server.receive(&frame, now)?;
            }
        }
        Ok::<(), meshrpc::wire::Fault>(())
    };
    run().err().map(|fault| format!("{fault:?}"))
}

fn limits() -> Limits {
    Limits {
        max_frame: 262_152,
        max_message: 1 << 27,
        max_streams: 1024,
        connection_window: 4 << 20,
        stream_window: 1 << 20,
        inline_max: 16 << 10,
    }
}

fn hello() -> Hello {
    Hello {
        features: 0,
        limits: limits(),
        ping_min: Duration::from_secs(5),
        checksum: Checksum::Crc32,
        codecs: 0b110,
        name: Arc::from("greeter-1"),
        epoch: 7,
        wanted_instance: None,
        wanted: Vec::new(),
        verdicts: Vec::new(),
    }
}

fn client_hello() -> Case {
    let hello = Hello {
        name: Arc::from("mesh_api"),
        epoch: 0,
        wanted: vec![("Greeter".into(), 0x0102_0304_0506_0708)],
        ..hello()
    };
    said(
        "client-hello",
        "wants the contract Greeter",
        FrameType::ClientHello,
        hello,
        true,
    )
}

fn server_hello() -> Case {
    let methods = vec![MethodOffer {
        key: 1,
        fingerprint: 2,
    }];
    let verdicts = vec![("Greeter".into(), ContractVerdict::Differs(methods))];
    let hello = Hello {
        verdicts,
        ..hello()
    };
    said(
        "server-hello",
        "Greeter is served with another fingerprint",
        FrameType::ServerHello,
        hello,
        false,
    )
}

fn said(
    name: &'static str,
    what: &'static str,
    kind: FrameType,
    hello: Hello,
    client: bool,
) -> Case {
    let mut payload = Vec::new();
    hello.put(&mut payload, 0x1234);
    let bytes = frame(kind, Flags::default(), 0, &payload);
    let check = move |frame: &Frame| {
        assert_eq!(
            Hello::parse(frame.payload.clone(), client).expect("a valid hello"),
            hello
        );
    };
    Case {
        name,
        what,
        bytes,
        check: Box::new(check),
    }
}

fn small_open() -> OpenHead {
    OpenHead {
        kind: CallKind::Unary,
        codec: Codec::FieldNamed,
        method: 0x1122_3344_5566_7788,
        schema: 0,
        time_left: None,
        attempt: 1,
        idempotent: false,
        body_len: None,
        session: None,
        trace: None,
        metadata: Metadata::new(),
    }
}

fn full_open() -> OpenHead {
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

fn open_payload(head: &OpenHead, body: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    put_open(&mut payload, head);
    payload.extend_from_slice(body);
    payload
}

fn open(name: &'static str, what: &'static str, head: OpenHead, body: &'static [u8]) -> Case {
    let flags = if head.body_len.is_some() {
        Flags::default()
    } else {
        Flags::END
    };
    let bytes = frame(FrameType::Open, flags, 2, &open_payload(&head, body));
    let check = move |frame: &Frame| {
        assert_eq!(
            parse_open(frame.payload.clone()).expect("a valid OPEN"),
            (head.clone(), Bytes::from_static(body))
        );
    };
    Case {
        name,
        what,
        bytes,
        check: Box::new(check),
    }
}

fn reply() -> Case {
    let head = ReplyHead {
        codec: Codec::FieldNamed,
        metadata: Metadata::new(),
    };
    let body = Bytes::from_static(b"\xabHello, Max!");
    let mut payload = Vec::new();
    put_reply(&mut payload, &head, None);
    payload.extend_from_slice(&body);
    let check = move |frame: &Frame| {
        assert_eq!(
            parse_reply(frame.payload.clone()).expect("a valid REPLY"),
            (head.clone(), None, body.clone())
        );
    };
    let bytes = frame(FrameType::Reply, Flags::END, 2, &payload);
    Case {
        name: "reply",
        what: "\"Hello, Max!\", complete in one frame",
        bytes,
        check: Box::new(check),
    }
}

fn data(
    name: &'static str,
    what: &'static str,
    flags: Flags,
    total: Option<u64>,
    body: &[u8],
) -> Case {
    let mut payload = total.map_or(Vec::new(), |total| total.to_le_bytes().to_vec());
    payload.extend_from_slice(body);
    let expected = Bytes::from(payload.clone());
    let check = move |frame: &Frame| assert_eq!((frame.flags, &frame.payload), (flags, &expected));
    Case {
        name,
        what,
        bytes: frame(FrameType::Data, flags, 2, &payload),
        check: Box::new(check),
    }
}

fn not_found() -> Status {
    let detail = Detail::Chain(vec!["no such card".into(), "row 7 is missing".into()]);
    Status {
        relayed: true,
        ..Status::application(Code::NotFound, "no such card", detail)
    }
}

fn typed() -> Status {
    let detail = Detail::Typed {
        codec: Codec::FieldNamed,
        bytes: Bytes::from_static(b"\xa5Empty"),
    };
    Status::application(Code::InvalidArgument, "the name is empty", detail)
}

fn overloaded() -> Status {
    let refusal = Status::refusal(Reason::Overloaded, Started::No, "try later");
    Status {
        retry: Retry::After(Duration::from_millis(250)),
        ..refusal
    }
}

fn success() -> Status {
    let mut status = Status::application(Code::Unknown, "", Detail::None);
    status.code = None;
    status.trailers.push("rows", "3");
    status
}

fn status(name: &'static str, what: &'static str, status: Status) -> Case {
    let mut payload = Vec::new();
    put_status(&mut payload, &status, 11);
    let check = move |frame: &Frame| {
        assert_eq!(
            parse_status(frame.payload.clone()).expect("a valid STATUS"),
            (status.clone(), 11)
        );
    };
    Case {
        name,
        what,
        bytes: frame(FrameType::Status, Flags::END, 2, &payload),
        check: Box::new(check),
    }
}

fn go_away(name: &'static str, what: &'static str, last: u64, soft: bool, text: &str) -> Case {
    let go_away = GoAway {
        last,
        reason: GoAwayReason::Draining,
        soft,
        reconnect_after: None,
        text: text.into(),
    };
    let mut payload = Vec::new();
    put_go_away(&mut payload, &go_away);
    let check = move |frame: &Frame| {
        assert_eq!(
            parse_go_away(frame.payload.clone()).expect("a valid GOAWAY"),
            go_away
        );
    };
    Case {
        name,
        what,
        bytes: frame(FrameType::GoAway, Flags::default(), 0, &payload),
        check: Box::new(check),
    }
}

fn plain(
    name: &'static str,
    what: &'static str,
    kind: FrameType,
    stream: u64,
    payload: &[u8],
) -> Case {
    let expected = Bytes::copy_from_slice(payload);
    let check = move |frame: &Frame| {
        assert_eq!(
            (frame.kind, frame.stream, &frame.payload),
            (Some(kind), stream, &expected)
        );
    };
    Case {
        name,
        what,
        bytes: frame(kind, Flags::default(), stream, payload),
        check: Box::new(check),
    }
}

fn frame(kind: FrameType, flags: Flags, stream: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_frame(&mut out, Checksum::Crc32, kind, flags, stream, |out| {
        out.extend_from_slice(payload)
    });
    out
}

/// A frame that this side would never write, with a right sum.
fn raw(kind: u8, flags: u8, stream: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes()[..3]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_le_bytes()[..7]);
    let sum = Checksum::Crc32.sum(&out, payload);
    out.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(payload);
    out
}
