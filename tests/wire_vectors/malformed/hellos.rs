//! Until the handshake is done.

use meshrpc::wire::{Checksum, Flags, FrameType, GoAwayReason, Hello};

use super::{After, Answer, Receiver, Vector};
use crate::parts::{self, frame, raw, tagged};

pub(super) fn cases() -> Vec<Vector> {
    [prefaces(), frames(), values()]
        .into_iter()
        .flatten()
        .collect()
}

fn prefaces() -> Vec<Vector> {
    let text = || Answer::Text("MRPC: not a meshrpc client\r\n".into());
    let no_client = |name, what, bytes: &[u8]| Vector {
        answer: text(),
        ..case(name, what, bytes).after(After::Nothing)
    };
    vec![
        no_client("http", "an HTTP request", b"GET / HTTP/1.1\r\n\r\n"),
        no_client("zero", "one wrong byte", b"\0"),
        no_client(
            "preface-text-mode",
            "a preface whose line end was translated",
            b"\x89MRPC\n\n\x01",
        ),
        case(
            "version-2",
            "a preface of another major version",
            b"\x89MRPC\r\n\x02",
        )
        .after(After::Nothing)
        .goaway(GoAwayReason::Version),
    ]
}

fn frames() -> Vec<Vector> {
    let hello = parts::hello_payload(&parts::client_hello());
    let said = |kind| frame(kind, Flags::default(), 0, &hello);
    let mut long = said(FrameType::ClientHello);
    long[..3].copy_from_slice(&[1, 0x40, 0]);
    let mut flipped = said(FrameType::ClientHello);
    flipped[40] ^= 0x10;
    let ping = frame(FrameType::Ping, Flags::default(), 0, &[0; 8]);
    let info = frame(FrameType::Info, Flags::default(), 0, &[]);
    vec![
        case(
            "auth-unasked",
            "a proof of a key that nobody asked for",
            &frame(FrameType::Auth, Flags::default(), 0, &[0; 32]),
        ),
        case("hello-long", "a hello of 16,385 bytes", &long),
        case("hello-bit-flip", "one bit of a hello changed", &flipped),
        case(
            "hello-of-server",
            "a server's hello from a client",
            &said(FrameType::ServerHello),
        ),
        case(
            "hello-stream",
            "a hello on a stream",
            &frame(FrameType::ClientHello, Flags::default(), 2, &hello),
        ),
        case(
            "open-first",
            "a call before the hello",
            &parts::open(Flags::END, 2, parts::MAX),
        ),
        case("ping-first", "a ping before the hello", &ping),
        case("info-first", "INFO before the hello", &info),
        case(
            "idle-unknown-first",
            "25,000 frames of type FF before the hello",
            &raw(0xFF, 0, 0, &[]),
        )
        .repeat(25_000)
        .goaway(GoAwayReason::Limit),
    ]
    .into_iter()
    .map(|vector| vector.after(After::Preface))
    .collect()
}

fn values() -> Vec<Vector> {
    let with = |more: &[u8]| {
        let mut payload = parts::hello_payload(&parts::client_hello());
        payload.extend_from_slice(more);
        frame(FrameType::ClientHello, Flags::default(), 0, &payload)
    };
    let of = |hello: &Hello| {
        let payload = parts::hello_payload(hello);
        frame(FrameType::ClientHello, Flags::default(), 0, &payload)
    };
    let limited = |max_frame, inline_max, max_streams| {
        let mut hello = parts::client_hello();
        hello.limits.max_frame = max_frame;
        hello.limits.inline_max = inline_max;
        hello.limits.max_streams = max_streams;
        of(&hello)
    };
    let windows = |connection, stream| {
        let mut hello = parts::client_hello();
        hello.limits.connection_window = connection;
        hello.limits.stream_window = stream;
        of(&hello)
    };
    let no_limits = frame(
        FrameType::ClientHello,
        Flags::default(),
        0,
        &tagged(0x8004, &[Checksum::Crc32 as u8]),
    );
    let contracts: Vec<u8> = (0..65)
        .flat_map(|_| tagged(7, b"\0\0\0\0\0\0\0\0x"))
        .collect();
    let unserved = Hello {
        wanted: vec![("Baker".into(), 0), ("Miller".into(), 0)],
        ..parts::client_hello()
    };
    let elsewhere = Hello {
        wanted_instance: Some("nobody-1".into()),
        ..parts::client_hello()
    };
    vec![
        case(
            "hello-critical",
            "a critical value that is not known",
            &with(&tagged(0xC0DE, b"?")),
        ),
        case(
            "hello-cut",
            "a value longer than the hello",
            &with(&[9, 0, 200, 0, b'x']),
        ),
        case(
            "hello-rest",
            "three bytes behind the last value",
            &with(&[9, 0, 0]),
        ),
        case("hello-no-limits", "a hello without limits", &no_limits),
        case(
            "hello-limits-cut",
            "limits of 27 bytes",
            &with(&tagged(0x8002, &[0; 27])),
        ),
        case(
            "hello-checksum",
            "a checksum that is not known",
            &with(&tagged(0x8004, &[2])),
        ),
        case(
            "hello-features",
            "features of four bytes",
            &with(&tagged(0x8001, &[0; 4])),
        ),
        case(
            "hello-name",
            "a name of 129 bytes",
            &with(&tagged(9, &[b'n'; 129])),
        ),
        case(
            "hello-utf8",
            "a name that is not UTF-8",
            &with(&tagged(9, b"\xff")),
        ),
        case("hello-contracts", "66 contracts", &with(&contracts)),
        case(
            "hello-contract-cut",
            "a contract of seven bytes",
            &with(&tagged(7, &[0; 7])),
        ),
        case(
            "hello-frame-small",
            "max_frame of 16,383",
            &limited(16_383, 1_024, 1),
        ),
        case(
            "hello-frame-large",
            "max_frame of 2^24",
            &limited(1 << 24, 1_024, 1),
        ),
        case(
            "hello-inline",
            "inline_max above half of max_frame",
            &limited(16_384, 8_193, 1),
        ),
        case("hello-no-window", "connection_window of 0", &windows(0, 1)),
        case(
            "hello-no-stream-window",
            "stream_window of 0",
            &windows(1, 0),
        ),
        case(
            "hello-no-streams",
            "max_streams of 0",
            &limited(16_384, 1_024, 0),
        ),
        case(
            "no-contract",
            "two contracts that nobody serves there",
            &of(&unserved),
        )
        .goaway(GoAwayReason::NoContract),
        case(
            "wrong-instance",
            "another instance is wanted",
            &of(&elsewhere),
        )
        .goaway(GoAwayReason::WrongInstance),
    ]
    .into_iter()
    .map(|vector| vector.after(After::Preface))
    .collect()
}

fn case(name: &str, what: &str, bytes: &[u8]) -> Vector {
    Vector::new(Receiver::Server, name, what, bytes)
}
