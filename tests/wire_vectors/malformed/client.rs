//! What the wire's own client answers.

use std::{sync::Arc, time::Instant};

use bytes::{Buf, BytesMut};
use meshrpc::wire::{
    CallKind, Config, Connection, Fault, Flags, FrameReader, FrameType, OpenHead, PREFACE,
    parse_go_away, take_preface,
};

use super::{After, Answer, Receiver, Vector, vectors};
use crate::parts::{self, frame};

#[test]
fn a_client_answers_as_the_vectors_say() {
    let cases = vectors().into_iter();
    for vector in cases.filter(|vector| vector.receiver == Receiver::Client) {
        let (answer, closes) = answer(&vector);
        assert_eq!(
            (answer, closes),
            (vector.answer.clone(), vector.closes),
            "vector `{}`",
            vector.name
        );
    }
}

/// What the client says, and whether its connection is over.
fn answer(vector: &Vector) -> (Answer, bool) {
    let now = Instant::now();
    let mut client = Client {
        wire: Connection::client(Arc::new(Config::default()), 0, now),
        input: BytesMut::new(),
        preface: false,
        now,
    };
    client.said();
    if vector.after != After::Nothing {
        client.hear(&PREFACE);
    }
    if matches!(vector.after, After::Call | After::Stream | After::Handshake) {
        let hello = parts::hello_payload(&parts::server_hello());
        client.hear(&frame(FrameType::ServerHello, Flags::default(), 0, &hello));
    }
    let kind = match vector.after {
        After::Call => Some(CallKind::Unary),
        After::Stream => Some(CallKind::ServerStream),
        _ => None,
    };
    if let Some(kind) = kind {
        let head = OpenHead {
            kind,
            ..parts::small_open()
        };
        let id = client.wire.call(head, parts::MAX.to_vec(), None, now);
        assert_eq!(id.expect("the call is made"), 2);
    }
    if vector.after == After::Stream {
        let reply = parts::reply_payload(&parts::named_reply(), None, b"");
        client.hear(&frame(FrameType::Reply, Flags::default(), 2, &reply));
    }
    client.said();
    client.hear(&vector.bytes());
    let closes = client.wire.fault().is_some();
    (answer_in(&client.said()), closes)
}

struct Client {
    wire: Connection,
    input: BytesMut,
    preface: bool,
    now: Instant,
}

impl Client {
    fn hear(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        if let Err(fault) = self.take() {
            self.wire.fail_with(fault);
        }
    }

    fn take(&mut self) -> Result<(), Fault> {
        if !self.preface && !take_preface(&mut self.input)? {
            return Ok(());
        }
        self.preface = true;
        while let Some(frame) = self.wire.frame_reader().next(&mut self.input)? {
            self.wire.receive(&frame, self.now)?;
        }
        Ok(())
    }

    fn said(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.wire.transmit(&mut out);
        self.wire.wrote(out.len());
        out
    }
}

fn answer_in(said: &[u8]) -> Answer {
    let reader = FrameReader {
        max_frame: 262_152,
        checksum: meshrpc::wire::Checksum::Crc32,
    };
    let mut input = BytesMut::from(said);
    let Some(frame) = reader.next(&mut input).expect("good frames") else {
        return Answer::Nothing;
    };
    assert!(input.is_empty(), "one answer");
    let mut payload = frame.payload;
    match frame.kind {
        Some(FrameType::GoAway) => {
            let go_away = parse_go_away(payload).expect("a go-away");
            Answer::Goaway(go_away.reason as u8)
        }
        Some(FrameType::Reset) => Answer::Reset(payload.get_u32_le()),
        other => panic!("a frame of type {other:?}"),
    }
}
