use std::{sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use meshrpc::wire::{
    CallKind, Checksum, Codec, Config, Connection, Event, Fault, Flags, Frame, FrameReader,
    FrameType, ItemReader, OpenHead, put_item_prefix, put_open, take_preface,
};
use meshrpc_fuzz::measure;
use serde_bytes::ByteBuf;

use crate::{explode, varint};

/// What may be taken before it is known that a length is too long.
const LITTLE: u64 = 4_096;

#[test]
fn fault_04_a_frame_above_the_limit_is_refused_by_its_header() {
    let mut header = [0; 16];
    header[..3].copy_from_slice(&[0xFF; 3]);
    let reader = FrameReader {
        max_frame: 262_152,
        checksum: Checksum::Crc32,
    };
    let mut input = BytesMut::from(&header[..]);
    let memory = measure(|| {
        let refused = reader.next(&mut input);
        assert!(
            matches!(refused, Err(Fault::FrameTooLarge { .. })),
            "{refused:?}"
        );
    });
    assert_eq!(memory.bytes_total, 0, "{memory:?}");
}

#[test]
fn fault_04_an_item_above_the_limit_is_refused_by_its_prefix() {
    for len in [1_001, 1 << 20, usize::MAX >> 3] {
        let mut prefix = Vec::new();
        put_item_prefix(&mut prefix, len, false);
        let memory = measure(|| {
            let mut reader = ItemReader::new(1_000);
            reader.push(Bytes::from(prefix));
            assert!(reader.next().is_err(), "an item of {len} bytes");
        });
        assert!(memory.bytes_total <= LITTLE, "{memory:?}");
    }
}

#[test]
fn fault_04_a_value_above_what_is_there_is_refused_before_allocation() {
    let declared = |header: &[u8]| [header, &[0xFF; 4]].concat();
    let bombs = [
        (Codec::Positional, varint(u64::MAX)),
        (Codec::Positional, varint(1 << 32)),
        // Texts, byte strings, arrays and maps of 2^32 - 1.
        (Codec::FieldNamed, declared(&[0xDB])),
        (Codec::FieldNamed, declared(&[0xC6])),
        (Codec::FieldNamed, declared(&[0xDD])),
        (Codec::FieldNamed, declared(&[0xDF])),
        (Codec::FieldNamed, declared(&[0xC9])),
    ];
    for (codec, bomb) in &bombs {
        for cost in [
            explode::<String>(*codec, bomb),
            explode::<ByteBuf>(*codec, bomb),
            explode::<Vec<u64>>(*codec, bomb),
            explode::<std::collections::HashMap<u8, String>>(*codec, bomb),
        ] {
            assert!(
                cost.memory <= LITTLE,
                "{} bytes: {}",
                cost.memory,
                cost.error
            );
        }
    }
}

#[test]
fn fault_04_a_request_above_the_limit_is_refused_and_not_kept() {
    let limit = 64 << 10;
    let mut server = Server::new(limit);
    server.open(2, Some(u64::MAX), b"");
    let memory = measure(|| {
        for _ in 0..40 {
            server.data(2, 16 << 10);
        }
    });
    assert!(server.refused(2), "it is refused");
    // Twice, while it grows; and what a frame takes on its way.
    assert!(memory.bytes_max <= 3 * limit + (40 << 10), "{memory:?}");
}

#[test]
fn fault_05_a_message_takes_no_more_than_has_arrived_whatever_its_length_is_said_to_be() {
    for declared in [1 << 20, 128 << 20] {
        let mut server = Server::new(128 << 20);
        let pages = address_space();
        let memory = measure(|| {
            for id in (1..=1_000).map(|call| 2 * call) {
                server.open(id, Some(declared), &[1; 10]);
                server.data(id, 10);
                server.data(id, 10);
            }
        });
        let most = 1_000 * 32 * LITTLE;
        assert!(
            memory.bytes_max <= most,
            "{memory:?} for 1,000 messages of 30 bytes"
        );
        // Long ones have pages of their own, which no allocator counts. Other tests run beside.
        let pages = address_space().saturating_sub(pages);
        assert!(pages < 64 << 30, "{pages} bytes of address space");
    }
}

#[test]
fn fault_05_an_item_takes_no_more_than_has_arrived_whatever_its_length_is_said_to_be() {
    let memory = measure(|| {
        let mut reader = ItemReader::new(128 << 20);
        let mut begun = Vec::new();
        put_item_prefix(&mut begun, 100 << 20, false);
        reader.push(begun.into());
        for _ in 0..10 {
            assert!(reader.next().expect("a beginning").is_none());
            reader.push(Bytes::from_static(&[7; 100]));
        }
    });
    assert!(memory.bytes_max <= 16 * LITTLE, "{memory:?}");
}

#[test]
fn fault_05_sequences_take_no_more_than_their_bytes_can_hold() {
    // Each of a hundred says that the rest of the bytes are its elements.
    let len = 40_000;
    let mut bomb = Vec::new();
    for _ in 0..100 {
        bomb.extend(varint((len - bomb.len()) as u64 / 2));
    }
    bomb.resize(len, 0xFF);
    let cost = explode::<Nest>(Codec::Positional, &bomb);
    let most = 48 * len as u64;
    assert!(cost.memory <= most, "{} bytes: {}", cost.memory, cost.error);
}

#[derive(serde::Deserialize)]
struct Nest(#[expect(dead_code, reason = "it is read and dropped")] Vec<Nest>);

/// Bytes of address space that this process has, where that is told.
fn address_space() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .next()
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

/// A server whose client sends what it likes.
struct Server(Connection, Instant);

impl Server {
    fn new(max_message: u64) -> Self {
        let now = Instant::now();
        let config = Arc::new(Config {
            max_message,
            ..Config::default()
        });
        let mut client = Connection::client(Arc::clone(&config), 1, now);
        let mut hello = Vec::new();
        client.transmit(&mut hello);
        let mut hello = BytesMut::from(&hello[..]);
        let mut server = Connection::server(config, 2, now);
        assert!(take_preface(&mut hello).expect("a preface"));
        server.preface_received();
        let frame = server.frame_reader().next(&mut hello).expect("a frame");
        server
            .receive(&frame.expect("a hello"), now)
            .expect("a hello");
        let mut server = Self(server, now);
        server.written();
        server
    }

    fn open(&mut self, id: u64, body_len: Option<u64>, body: &[u8]) {
        let head = OpenHead {
            body_len,
            ..OpenHead::new(CallKind::Unary, Codec::Positional, 1)
        };
        let mut payload = Vec::new();
        put_open(&mut payload, &head);
        payload.extend_from_slice(body);
        self.receive(FrameType::Open, id, payload);
    }

    fn data(&mut self, id: u64, len: usize) {
        self.receive(FrameType::Data, id, vec![7; len]);
    }

    fn receive(&mut self, kind: FrameType, stream: u64, payload: Vec<u8>) {
        let frame = Frame {
            kind: Some(kind),
            flags: Flags::default(),
            stream,
            payload: payload.into(),
        };
        self.0
            .receive(&frame, self.1)
            .expect("a frame that may come");
    }

    /// What it has to say; the client hears it.
    fn written(&mut self) -> Vec<u8> {
        while let Some(event) = self.0.poll_event() {
            assert!(
                !matches!(event, Event::Call { .. }),
                "half a request was handed on"
            );
        }
        let mut out = Vec::new();
        self.0.transmit(&mut out);
        out
    }

    /// Whether it has answered this call with a status.
    fn refused(&mut self, id: u64) -> bool {
        let mut out = BytesMut::from(&self.written()[..]);
        let reader = FrameReader {
            max_frame: 262_152,
            checksum: Checksum::Crc32,
        };
        let mut refused = false;
        while let Some(frame) = reader.next(&mut out).expect("a frame") {
            refused |= frame.kind == Some(FrameType::Status) && frame.stream == id;
        }
        refused
    }
}
