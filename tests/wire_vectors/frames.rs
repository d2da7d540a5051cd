//! Each frame: what this side writes is what the vectors say, and what they say is understood.

use std::time::Duration;

use bytes::BytesMut;
use meshrpc::wire::{
    CallKind, Checksum, Flags, Frame, FrameReader, FrameType, GoAwayReason, Hello, OpenHead,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    check,
    decoded::decoded,
    from_hex, hex, parts,
    parts::{GREET, MAX, frame, raw, written},
    read,
};

const FILE: &str = "frames.json";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Vector {
    pub(crate) name: String,
    what: String,
    /// The whole frame.
    pub(crate) hex: String,
    /// What it says.
    frame: Value,
}

#[test]
fn frames_are_written_as_the_vectors_say() {
    check(FILE, &built());
}

#[test]
fn the_vectors_are_understood() {
    for vector in read::<Vector>(FILE) {
        let frame = parsed(&from_hex(&vector.hex));
        assert_eq!(decoded(&frame), vector.frame, "vector `{}`", vector.name);
    }
}

/// The one frame that these bytes are.
pub(crate) fn parsed(bytes: &[u8]) -> Frame {
    let reader = FrameReader {
        max_frame: 262_152,
        checksum: Checksum::Crc32,
    };
    let mut input = BytesMut::from(bytes);
    let frame = reader.next(&mut input).expect("a valid frame");
    assert!(input.is_empty(), "bytes behind the frame");
    frame.expect("a whole frame")
}

fn built() -> Vec<Vector> {
    let vector = |(name, what, bytes): (&str, &str, Vec<u8>)| Vector {
        name: name.into(),
        what: what.into(),
        frame: decoded(&parsed(&bytes)),
        hex: hex(&bytes),
    };
    [hellos(), calls(), answers(), others()]
        .into_iter()
        .flatten()
        .map(vector)
        .collect()
}

type Case = (&'static str, &'static str, Vec<u8>);

fn hellos() -> Vec<Case> {
    let said =
        |kind, hello: &Hello| written(kind, Flags::default(), 0, &parts::hello_payload(hello));
    let particular = Hello {
        wanted_instance: Some("greeter-1".into()),
        wanted: Vec::new(),
        ..parts::client_hello()
    };
    vec![
        (
            "client-hello",
            "wants the contract Greeter",
            said(FrameType::ClientHello, &parts::client_hello()),
        ),
        (
            "client-hello-instance",
            "wants the instance greeter-1 and names no contract",
            said(FrameType::ClientHello, &particular),
        ),
        (
            "server-hello",
            "Greeter is served, with another fingerprint",
            said(FrameType::ServerHello, &parts::server_hello()),
        ),
    ]
}

fn calls() -> Vec<Case> {
    let open = |flags, head: &OpenHead, body: &[u8]| {
        written(FrameType::Open, flags, 2, &parts::open_payload(head, body))
    };
    let streaming = OpenHead {
        kind: CallKind::BothStream,
        method: GREET,
        ..parts::small_open()
    };
    let data = |flags, payload: &[u8]| written(FrameType::Data, flags, 2, payload);
    vec![
        (
            "open-small",
            "greet(\"Max\") with field names, complete in one frame",
            open(Flags::END, &parts::small_open(), MAX),
        ),
        (
            "open-with-everything",
            "trace, session, body length, metadata, time left 1.5 s",
            open(Flags::default(), &parts::full_open(), b""),
        ),
        (
            "open-streams",
            "a call that streams both ways: its arguments come as the first item",
            open(Flags::default(), &streaming, b""),
        ),
        (
            "data",
            "a chunk that does not end its direction",
            data(Flags::default(), b"chunk"),
        ),
        (
            "data-end",
            "the last chunk: eight bytes of count, then three of body",
            data(Flags::END, b"\x08\0\0\0\0\0\0\0end"),
        ),
        (
            "data-credit-now",
            "a chunk whose sender waits for credit",
            data(Flags::CREDIT_NOW, b"x"),
        ),
        (
            "reset",
            "the caller gave the call up",
            written(FrameType::Reset, Flags::default(), 2, &[0, 0, 0, 0]),
        ),
    ]
}

fn answers() -> Vec<Case> {
    let mut attached = parts::named_reply();
    attached.metadata.push("served-by", "desk 3");
    let reply = |flags, payload: &[u8]| written(FrameType::Reply, flags, 2, payload);
    let status = |status| {
        let payload = parts::status_payload(&status, 11);
        written(FrameType::Status, Flags::END, 2, &payload)
    };
    vec![
        (
            "reply",
            "\"Hello, Max\", complete in one frame",
            reply(
                Flags::END,
                &parts::reply_payload(&parts::named_reply(), None, b"\xaaHello, Max"),
            ),
        ),
        (
            "reply-chunked",
            "the beginning of a reply of 11 bytes, with metadata",
            reply(
                Flags::default(),
                &parts::reply_payload(&attached, Some(11), b"\xaaHello"),
            ),
        ),
        (
            "status-not-found",
            "an error of the method, with its sources; a call that it made failed",
            status(parts::not_found()),
        ),
        (
            "status-typed",
            "an error of the method, as a value",
            status(parts::typed()),
        ),
        (
            "status-overloaded",
            "a refusal: not started, again after 250 ms",
            status(parts::overloaded()),
        ),
        (
            "status-success",
            "the end of a streaming answer, with a trailer",
            status(parts::success()),
        ),
    ]
}

fn others() -> Vec<Case> {
    let plain = |kind, stream, payload: &[u8]| written(kind, Flags::default(), stream, payload);
    let go_away = |last, reason, soft, after, text| {
        let payload = parts::go_away_payload(last, reason, soft, after, text);
        written(FrameType::GoAway, Flags::default(), 0, &payload)
    };
    let draining = GoAwayReason::Draining;
    vec![
        (
            "credit-connection",
            "65,536 bytes for the connection",
            plain(FrameType::Credit, 0, &65_536u32.to_le_bytes()),
        ),
        (
            "credit-stream",
            "4,096 bytes for stream 6",
            plain(FrameType::Credit, 6, &4_096u32.to_le_bytes()),
        ),
        (
            "ping",
            "eight opaque bytes",
            plain(FrameType::Ping, 0, &[1, 2, 3, 4, 5, 6, 7, 8]),
        ),
        (
            "pong",
            "the same",
            plain(FrameType::Pong, 0, &[1, 2, 3, 4, 5, 6, 7, 8]),
        ),
        (
            "goaway-soft",
            "the first phase of a drain: no new calls",
            go_away(u64::MAX, draining, true, None, ""),
        ),
        (
            "goaway-final",
            "the second: calls above 40 were not started; dial again after 1.5 s",
            go_away(40, draining, false, Some(Duration::from_millis(1500)), ""),
        ),
        (
            "goaway-version",
            "another major version was asked for",
            go_away(
                u64::MAX,
                GoAwayReason::Version,
                false,
                None,
                "this is version 1",
            ),
        ),
        (
            "info",
            "a tagged value that nobody has to know",
            frame(
                FrameType::Info,
                Flags::default(),
                0,
                &parts::tagged(1, b"x"),
            ),
        ),
        (
            "ignorable",
            "a type of a later version: its flags and stream mean nothing yet",
            raw(0x80, 0xFF, 9, b"later"),
        ),
    ]
}
