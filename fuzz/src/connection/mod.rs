//! One side of a connection, its owner, and a peer that means no good.
//!
//! An input is a list of steps: frames of the peer, right and wrong, what the owner does, time that
//! passes. After each of them what the side says to its owner and to its peer has to be right,
//! whatever was before:
//!
//! - a call is begun once and ends once, and is given the bytes that were sent for it
//! - what goes out is frames that the peer takes, in an order that it expects, within its limits
//! - the peer never has more credit than a window, and the side spends none that it has not
//! - what is held is bounded by what was announced
//! - once the connection is over every call has ended, and nothing is kept
//!
//! # Layout
//! - `steps`: what an input says
//! - `calls`: what is known of each call from outside
//! - `peer`: the frames of the peer
//! - `owner`: what the owner does, and what it is told
//! - `output`: what the side writes

mod calls;
mod output;
mod owner;
mod peer;
mod steps;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use arbitrary::{Arbitrary, Unstructured};
use bytes::BytesMut;
use meshrpc::wire::{
    CallKind, Checksum, Connection, Fault, Flags, FrameReader, FrameType, Hello, Limits, PREFACE,
    Side, put_frame, take_preface,
};

use self::{
    calls::{Owner, Stream},
    steps::{Setting, Step, time},
};
use crate::measure;

/// Whether steps are printed, to see what an input does.
static TRACED: LazyLock<bool> = LazyLock::new(|| std::env::var_os("FUZZ_TRACE").is_some());

/// Calls that an owner makes.
const MAX_CALLS: usize = 64;

/// A client against any peer.
pub fn client(input: &[u8]) {
    run(Side::Client, input);
}

/// A server against any peer.
pub fn server(input: &[u8]) {
    run(Side::Server, input);
}

struct Bench {
    side: Side,
    wire: Connection,
    now: Instant,
    /// What the side announced.
    limits: Limits,
    max_streams: usize,
    /// What the peer announced.
    peer_limits: Limits,
    checksum: Checksum,
    streams: BTreeMap<u64, Stream>,
    /// Calls, in their order.
    ids: Vec<u64>,
    /// A frame was taken of which the peer cannot say what it meant.
    lost_track: bool,

    /// Bytes of DATA that the side may still send.
    room: u64,
    /// Bytes of DATA that the peer may still send.
    peer_room: u64,
    pings: usize,
    last_opened: u64,
    /// The side has said a last word.
    said_over: bool,
    /// Bytes taken and not yet reported as written.
    unwritten: usize,
    /// Bytes that the owner has given to the side.
    given: usize,
}

fn run(side: Side, input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(setting) = Setting::arbitrary(&mut input) else {
        return;
    };
    let mut most = 0;
    let memory = measure(|| {
        let mut bench = Bench::new(side, &setting);
        while !input.is_empty() {
            let Ok(step) = Step::arbitrary(&mut input) else {
                break;
            };
            if *TRACED {
                eprintln!("{step:?}");
            }
            bench.step(&step);
        }
        most = bench.most_memory();
        bench.end();
    });
    assert!(memory.bytes_max <= most, "{memory:?} of {most} bytes");
}

impl Bench {
    /// A side after a good handshake.
    fn new(side: Side, setting: &Setting) -> Self {
        let now = Instant::now();
        let config = setting.config();
        let max_streams = config.max_streams as usize;
        let mut wire = match side {
            Side::Client => Connection::client(Arc::new(config), 1, now),
            Side::Server => Connection::server(Arc::new(config), 1, now),
        };
        let peer_limits = setting.peer_limits();
        let mut hello = Vec::new();
        put_hello(&mut hello, side, peer_limits);
        let mut hello = BytesMut::from(&hello[..]);
        assert!(take_preface(&mut hello).expect("a preface"));
        wire.preface_received();
        let frame = wire.frame_reader().next(&mut hello).expect("a hello");
        wire.receive(&frame.expect("a whole hello"), now)
            .expect("a good hello");

        let mut said = Vec::new();
        wire.transmit(&mut said);
        wire.wrote(said.len());
        let mut said = BytesMut::from(&said[..]);
        assert!(take_preface(&mut said).expect("a preface"));
        let reader = FrameReader {
            max_frame: 16_384,
            checksum: Checksum::Crc32,
        };
        let frame = reader.next(&mut said).expect("a frame").expect("a hello");
        let hello = Hello::parse(frame.payload, side == Side::Client).expect("a hello");
        assert!(wire.is_established() && said.is_empty());

        let mut bench = Self {
            side,
            now,
            limits: hello.limits,
            max_streams,
            peer_limits,
            checksum: wire.frame_reader().checksum,
            wire,
            streams: BTreeMap::new(),
            ids: Vec::new(),
            lost_track: false,
            room: peer_limits.connection_window.into(),
            peer_room: hello.limits.connection_window.into(),
            pings: 0,
            last_opened: 0,
            said_over: false,
            unwritten: 0,
            given: 0,
        };
        bench.listen();
        bench
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Frame {
                sent,
                honest,
                damage,
                at,
            } => {
                let Some(draft) = self.draft(sent, *honest >= 24) else {
                    return;
                };
                self.deliver(draft, *damage, usize::from(*at));
            }
            Step::Transmit { late } => self.transmit(*late),
            Step::Wait(number) => self.wait(time(*number)),
            Step::GoAway(number) if number.is_multiple_of(8) => self.wire.go_away(self.now),
            Step::GoAway(_) => {}
            step => self.own(step),
        }
        self.listen();
        let streams = self.wire.in_flight();
        let most = match self.side {
            Side::Client => self.ids.len(),
            // Those that are served, and those that are refused.
            Side::Server => 4 * self.max_streams + self.answered_streams(),
        };
        assert!(streams <= most, "{streams} streams at a time");
    }

    /// Sends a frame to the side, which takes it or ends the connection.
    fn deliver(&mut self, draft: peer::Draft, damage: u8, at: usize) {
        if !self.wire.takes_frames() {
            return;
        }
        let peer::Draft {
            kind,
            flags,
            id,
            mut payload,
            mut account,
        } = draft;
        // Damage before the sum is made: lies, not accidents.
        if damage < 4
            && let Some(byte) = payload.get_mut(at)
        {
            *byte ^= 1 << damage;
            account = peer::Account::Unknown;
        }
        if damage == 4 {
            payload.truncate(at);
            account = peer::Account::Unknown;
        }
        let mut bytes = Vec::new();
        put_frame(
            &mut bytes,
            self.checksum,
            FrameType::Info,
            flags,
            id,
            |out| {
                out.extend_from_slice(&payload);
            },
        );
        bytes[3] = kind;
        let sum = self.checksum.sum(&bytes[..12], &bytes[16..]);
        bytes[12..16].copy_from_slice(&sum.to_le_bytes());
        if damage == 5 {
            let len = bytes.len();
            bytes[at % len] ^= 0x10;
            account = peer::Account::Unknown;
        }
        drop(payload);

        let mut buffer = BytesMut::from(&bytes[..]);
        drop(bytes);
        let taken = match self.wire.frame_reader().next(&mut buffer) {
            Ok(Some(frame)) => self.wire.receive(&frame, self.now),
            // A length that was damaged: the rest never comes.
            Ok(None) => Err(Fault::Closed),
            Err(fault) => Err(fault),
        };
        match taken {
            Ok(()) => {
                self.pings += usize::from(kind == FrameType::Ping as u8);
                self.settle(id, account);
            }
            Err(fault) => {
                self.spend(id, account);
                self.wire.fail_with(fault);
            }
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        if let Err(fault) = self.wire.handle_timeout(self.now) {
            self.wire.fail_with(fault);
        }
        let due = self.wire.poll_timeout();
        assert!(
            due.is_none_or(|due| due > self.now),
            "due again at once: a loop that never sleeps"
        );
    }

    /// A call that has begun.
    fn stream(&self, kind: CallKind) -> Stream {
        let peer_streams = match self.side {
            Side::Client => kind.streams_in(),
            Side::Server => kind.streams_out(),
        };
        let credit = peer_streams.then_some(self.limits.stream_window.into());
        Stream::new(kind, credit)
    }

    /// Calls that have their answer, whose handlers may go on reading what came before.
    fn answered_streams(&self) -> usize {
        let answered =
            |stream: &&Stream| stream.owner == Owner::Done && stream.peer_credit.is_some();
        self.streams.values().filter(answered).count()
    }

    /// What the side, and this bench, may have held at a time.
    fn most_memory(&self) -> u64 {
        let streams = match self.side {
            Side::Client => self.ids.len(),
            Side::Server => 4 * self.max_streams + self.answered_streams(),
        };
        // A buffer that has just grown is there twice, and twice as large as it needs.
        let message = 4 * self.limits.max_message;
        let window = 4 * u64::from(self.limits.stream_window);
        let frame = 4 * u64::from(self.limits.max_frame);
        let held = streams as u64 * (message.max(window) + frame);
        let answers = 4 * (256 << 10);
        let bench = self.ids.len() as u64 * 2_048 + (1 << 20);
        held + answers + 3 * self.given as u64 + bench
    }

    /// The connection breaks: every call ends, and nothing is left.
    fn end(mut self) {
        self.wire.fail_with(Fault::Closed);
        self.listen();
        assert!(self.wire.fault().is_some());
        assert!(!self.wire.takes_frames() && !self.wire.takes_calls());
        assert_eq!(self.wire.poll_timeout(), None);
        self.transmit(false);
        let mut more = Vec::new();
        self.wire.transmit(&mut more);
        assert!(more.is_empty(), "more after the last word");
        let ids: Vec<u64> = self.streams.keys().copied().collect();
        for id in ids {
            self.assert_ended(id);
        }
        self.listen();
        assert_eq!(self.wire.in_flight(), 0, "streams that nobody needs");
    }
}

fn put_hello(out: &mut Vec<u8>, side: Side, limits: Limits) {
    let hello = Hello {
        ping_min: Duration::from_millis(100),
        checksum: Checksum::Off,
        codecs: 0xE,
        name: Arc::from("peer"),
        ..Hello::new(limits)
    };
    let kind = match side {
        Side::Client => FrameType::ServerHello,
        Side::Server => FrameType::ClientHello,
    };
    // A side that asks for no sums has them if the other one asks; a client that asked must heed
    // what the server chose.
    out.extend_from_slice(&PREFACE);
    put_frame(out, Checksum::Crc32, kind, Flags::default(), 0, |out| {
        hello.put(out, 1);
    });
}
