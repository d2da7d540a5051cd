//! Two cores of a connection, a client's and a server's, joined by buffers: no sockets, no tasks, no
//! clock.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use meshrpc::{
    codec,
    wire::{
        CallKind, Codec, Config, Connection, Event, ItemReader, OpenHead, Read, ReplyHead,
        put_item_prefix, take_preface,
    },
};

use crate::codec::Small;

const LARGE: usize = 1 << 20;
const ITEMS: u64 = 1000;
/// Bytes of items that go together.
const CHUNK: usize = 32 << 10;

/// Both sides, and what is under way.
struct Pair {
    client: End,
    server: End,
    now: Instant,
    reply: Bytes,
}

struct End {
    wire: Connection,
    input: BytesMut,
    output: Vec<u8>,
    begun: bool,
}

/// From nothing to a connection that takes calls.
pub fn handshake() -> Box<dyn FnMut()> {
    Box::new(|| {
        black_box(Pair::new(Bytes::new()));
    })
}

/// A small call, and its reply.
pub fn one_call() -> Box<dyn FnMut()> {
    calls(1, small(), small())
}

/// As many as are in flight on a busy connection.
pub fn calls_in_flight() -> Box<dyn FnMut()> {
    calls(64, small(), small())
}

/// A call with a large body.
pub fn large_request() -> Box<dyn FnMut()> {
    calls(1, Bytes::from(vec![7; LARGE]), small())
}

/// A reply with one.
pub fn large_reply() -> Box<dyn FnMut()> {
    calls(1, small(), Bytes::from(vec![7; LARGE]))
}

/// A stream of small values, which are encoded and decoded.
pub fn items() -> Box<dyn FnMut()> {
    let mut pair = Pair::new(Bytes::new());
    Box::new(move || assert_eq!(pair.stream(), ITEMS))
}

fn calls(count: usize, request: Bytes, reply: Bytes) -> Box<dyn FnMut()> {
    let mut pair = Pair::new(reply);
    Box::new(move || {
        for _ in 0..count {
            pair.call(CallKind::Unary, request.clone());
        }
        assert_eq!(pair.settle(), count, "a call is not answered");
    })
}

fn small() -> Bytes {
    let mut body = Vec::new();
    codec::encode(Codec::Positional, &Small::new(7), &mut body).expect("it can be written");
    body.into()
}

impl Pair {
    fn new(reply: Bytes) -> Self {
        let now = Instant::now();
        let config = Arc::new(Config::default());
        let mut pair = Self {
            client: End::new(Connection::client(Arc::clone(&config), 1, now)),
            server: End::new(Connection::server(config, 2, now)),
            now,
            reply,
        };
        pair.settle();
        assert!(pair.client.wire.is_established(), "the handshake failed");
        pair
    }

    fn call(&mut self, kind: CallKind, body: Bytes) {
        let head = OpenHead::new(kind, Codec::Positional, 1);
        let deadline = self.now + Duration::from_secs(30);
        let call = self.client.wire.call(head, body, Some(deadline), self.now);
        assert!(call.is_ok(), "a call is refused");
    }

    /// Until nothing is under way. The number of calls that were answered.
    fn settle(&mut self) -> usize {
        let mut answered = 0;
        while self.pass() {
            while let Some(event) = self.server.wire.poll_event() {
                if let Event::Call { id, .. } = event {
                    self.server
                        .wire
                        .reply(id, &reply_head(), self.reply.clone());
                }
            }
            while let Some(event) = self.client.wire.poll_event() {
                match event {
                    Event::Reply { body, .. } => {
                        assert_eq!(body.len(), self.reply.len(), "another reply");
                        answered += 1;
                    }
                    Event::Failed { failure, .. } => panic!("a call failed: {failure:?}"),
                    _ => {}
                }
            }
        }
        answered
    }

    /// A call that is answered with a stream. The number of its items.
    fn stream(&mut self) -> u64 {
        self.call(CallKind::ServerStream, Bytes::new());
        let mut sent = 0;
        let mut writer = None;
        let mut items = ItemReader::new(LARGE as u64);
        let mut received = 0;
        while self.pass() {
            while let Some(event) = self.server.wire.poll_event() {
                if let Event::Call { id, .. } = event {
                    self.server.wire.reply_stream(id, &reply_head());
                    writer = Some(id);
                }
            }
            if let Some(id) = writer {
                sent = self.send(id, sent);
            }
            while let Some(event) = self.client.wire.poll_event() {
                match event {
                    Event::Readable { id } => received += self.receive(id, &mut items),
                    Event::Failed { failure, .. } => panic!("a stream failed: {failure:?}"),
                    _ => {}
                }
            }
        }
        received
    }

    fn send(&mut self, id: u64, mut sent: u64) -> u64 {
        let mut value = Vec::new();
        while sent < ITEMS && self.server.wire.write_room(id).is_some_and(|room| room > 0) {
            let mut chunk = Vec::with_capacity(2 * CHUNK);
            while sent < ITEMS && chunk.len() < CHUNK {
                value.clear();
                let item = Small::new(sent);
                codec::encode(Codec::Positional, &item, &mut value).expect("it can be written");
                put_item_prefix(&mut chunk, value.len(), false);
                chunk.extend_from_slice(&value);
                sent += 1;
            }
            let written = self.server.wire.write(id, chunk.into());
            written.expect("the stream takes them");
            if sent == ITEMS {
                self.server.wire.finish(id);
            }
        }
        sent
    }

    fn receive(&mut self, id: u64, items: &mut ItemReader) -> u64 {
        let mut received = 0;
        while let Read::Bytes(bytes) = self.client.wire.read(id) {
            items.push(bytes);
            while let Some(item) = items.next().expect("items") {
                let item: Small =
                    codec::decode_item(Codec::Positional, &item).expect("it can be read");
                black_box(item);
                received += 1;
            }
        }
        received
    }

    /// Bytes go both ways. False if there were none.
    fn pass(&mut self) -> bool {
        let there = self.client.pass(&mut self.server, self.now);
        let back = self.server.pass(&mut self.client, self.now);
        there || back
    }
}

impl End {
    fn new(wire: Connection) -> Self {
        Self {
            wire,
            input: BytesMut::new(),
            output: Vec::new(),
            begun: false,
        }
    }

    fn pass(&mut self, to: &mut End, now: Instant) -> bool {
        self.wire.transmit(&mut self.output);
        if self.output.is_empty() {
            return false;
        }
        to.input.extend_from_slice(&self.output);
        self.wire.wrote(self.output.len());
        self.output.clear();
        if !to.begun && take_preface(&mut to.input).expect("a preface") {
            to.begun = true;
            to.wire.preface_received();
        }
        while let Some(frame) = to.wire.frame_reader().next(&mut to.input).expect("a frame") {
            to.wire.receive(&frame, now).expect("the peer is fine");
        }
        true
    }
}

fn reply_head() -> ReplyHead {
    ReplyHead::new(Codec::Positional)
}
