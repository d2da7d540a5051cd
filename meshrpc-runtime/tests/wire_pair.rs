//! Two connection cores joined by byte queues, without sockets and with time made up: situations
//! that have a name. What no order of events may break is the matter of `simulation`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};
use meshrpc::{
    Started,
    wire::{
        CallKind, Codec, Config, Connection, Event, Failure, Fault, Landing, OpenHead, Read,
        Reason, ReplyHead, Status, take_preface,
    },
};
use proptest::prelude::*;

/// One side with the queue that leads to it.
struct End {
    wire: Connection,
    input: BytesMut,
    /// A chunk that is read to where it stays.
    landing: Option<Landing>,
    preface: bool,
}

struct Pair {
    now: Instant,
    client: End,
    server: End,
}

impl End {
    fn new(wire: Connection) -> Self {
        Self {
            wire,
            input: BytesMut::new(),
            landing: None,
            preface: false,
        }
    }

    /// Takes what arrived.
    fn take(&mut self, mut bytes: &[u8], now: Instant) -> Result<(), Fault> {
        if let Some(mut landing) = self.landing.take() {
            landing.fill(|room| {
                let (landed, rest) = bytes.split_at(bytes.len().min(room.remaining_mut()));
                room.put_slice(landed);
                bytes = rest;
            });
            if !landing.is_whole() {
                self.landing = Some(landing);
                return Ok(());
            }
            self.wire.landed(landing, now)?;
        }
        self.input.extend_from_slice(bytes);
        if !self.preface {
            if !take_preface(&mut self.input)? {
                return Ok(());
            }
            self.preface = true;
            self.wire.preface_received();
        }
        while let Some(frame) = self.wire.frame_reader().next(&mut self.input)? {
            self.wire.receive(&frame, now)?;
        }
        self.landing = self.wire.land(&mut self.input);
        Ok(())
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.wire.poll_event()).collect()
    }

    /// The calls that arrived.
    fn arrived(&mut self) -> Vec<u64> {
        let id = |event| match event {
            Event::Call { id, .. } => Some(id),
            _ => None,
        };
        self.events().into_iter().filter_map(id).collect()
    }

    /// Does what is due at once.
    fn look_at_the_timer(&mut self, now: Instant) {
        if self.wire.poll_timeout().is_some_and(|due| due <= now) {
            self.wire.handle_timeout(now).expect("nothing is wrong");
        }
    }
}

impl Pair {
    fn new(client: Config, server: Config) -> Self {
        let now = Instant::now();
        Self {
            now,
            client: End::new(Connection::client(Arc::new(client), 1, now)),
            server: End::new(Connection::server(Arc::new(server), 2, now)),
        }
    }

    /// After the handshake.
    fn shaken(client: Config, server: Config) -> Self {
        let mut pair = Self::new(client, server);
        pair.pass();
        assert!(pair.client.wire.is_established());
        pair.client.events();
        pair.server.events();
        pair
    }

    fn call(&mut self, kind: CallKind) -> u64 {
        let call = self.client.wire.call(head(kind), "", None, self.now);
        call.expect("the call is taken")
    }

    /// Lets everything arrive that is under way.
    fn pass(&mut self) {
        loop {
            self.client.look_at_the_timer(self.now);
            let there = hand_over(&mut self.client, &mut self.server, self.now);
            let back = hand_over(&mut self.server, &mut self.client, self.now);
            if there + back == 0 {
                return;
            }
        }
    }
}

/// Moves everything that one side has to say; how much that was.
fn hand_over(from: &mut End, to: &mut End, now: Instant) -> usize {
    let mut bytes = Vec::new();
    from.wire.transmit(&mut bytes);
    from.wire.wrote(bytes.len());
    to.take(&bytes, now)
        .expect("a well-behaved peer is at no fault");
    bytes.len()
}

fn reply_head() -> ReplyHead {
    ReplyHead::new(Codec::Positional)
}

fn head(kind: CallKind) -> OpenHead {
    OpenHead::new(kind, Codec::Positional, 1)
}

fn one_at_a_time() -> Config {
    Config {
        max_streams: 1,
        ..Config::default()
    }
}

#[test]
fn a_stream_that_waits_for_room_sends_nothing_before_its_open() {
    let mut pair = Pair::shaken(Config::default(), one_at_a_time());
    let first = pair.call(CallKind::Unary);
    let second = pair.call(CallKind::ClientStream);
    let write = pair.client.wire.write(second, Bytes::from_static(b"early"));
    write.expect("it may be written");
    pair.client.wire.finish(second);
    pair.pass();
    assert_eq!(pair.server.arrived(), [first]);

    pair.server.wire.reply(first, &reply_head(), "done");
    pair.pass();
    assert_eq!(pair.server.arrived(), [second]);
    let read = pair.server.wire.read(second);
    assert!(
        matches!(&read, Read::Bytes(bytes) if bytes == "early"),
        "{read:?}"
    );
    assert!(matches!(pair.server.wire.read(second), Read::End));
}

#[test]
fn room_that_a_cancelled_call_leaves_is_taken_by_one_that_waits() {
    let two_at_a_time = Config {
        max_streams: 2,
        ..Config::default()
    };
    let mut pair = Pair::shaken(Config::default(), two_at_a_time);
    let ids = [(); 3].map(|()| pair.call(CallKind::Unary));
    pair.pass();
    assert_eq!(pair.server.arrived(), ids[..2]);

    // Nothing comes from the server that would be an occasion.
    pair.client.wire.cancel(ids[0]);
    let due = pair.client.wire.poll_timeout().expect("there is a timer");
    assert!(due <= pair.now, "it waits for {:?}", due - pair.now);
    pair.pass();
    assert_eq!(pair.server.arrived(), ids[2..]);
}

#[test]
fn a_request_that_is_still_read_after_its_answer_takes_no_room() {
    let mut pair = Pair::shaken(Config::default(), one_at_a_time());
    for _ in 0..4 {
        let id = pair.call(CallKind::ClientStream);
        pair.client.wire.finish(id);
        pair.pass();
        assert_eq!(pair.server.arrived(), [id]);
        // The handler answers, and keeps what it reads from.
        pair.server.wire.reply(id, &reply_head(), "done");
        pair.pass();
        pair.client.events();
    }
    let abandoned = pair.call(CallKind::Unary);
    pair.pass();
    assert_eq!(pair.server.arrived(), [abandoned]);
    pair.client.wire.cancel(abandoned);
    let id = pair.call(CallKind::Unary);
    pair.pass();
    let refused = |event: Event| match event {
        Event::Failed {
            id,
            failure: Failure::Status(status),
        } => Some((id, status.reason)),
        _ => None,
    };
    let refused: Vec<_> = pair
        .client
        .events()
        .into_iter()
        .filter_map(refused)
        .collect();
    assert_eq!(refused, [(id, Reason::Overloaded)]);
}

#[test]
fn a_call_given_up_while_its_chunk_is_read_leaves_nothing_behind() {
    let mut pair = Pair::shaken(Config::default(), Config::default());
    let body = vec![1; 60_000];
    let call = pair
        .client
        .wire
        .call(head(CallKind::Unary), body, None, pair.now);
    let id = call.expect("the call is taken");
    let mut bytes = Vec::new();
    pair.client.wire.transmit(&mut bytes);
    pair.client.wire.wrote(bytes.len());
    let (first, rest) = bytes.split_at(30_000);
    let taken = pair.server.take(first, pair.now);
    taken.expect("it is well-formed");
    assert!(
        pair.server.landing.is_some(),
        "the chunk has a place of its own"
    );
    pair.client.wire.cancel(id);
    // Its deadline, or the server's end of it, may come first.
    pair.server.wire.status(
        id,
        Status::refusal(Reason::DeadlineExceeded, Started::No, "late"),
    );
    let taken = pair.server.take(rest, pair.now);
    taken.expect("it is well-formed");
    pair.pass();
    assert!(pair.server.arrived().is_empty());
    assert_eq!(pair.client.wire.in_flight(), 0);
    assert_eq!(pair.server.wire.in_flight(), 0);
}

#[test]
fn a_client_that_gives_up_the_handshake_says_nothing() {
    let mut pair = Pair::new(Config::default(), Config::default());
    let mut hello = Vec::new();
    pair.client.wire.transmit(&mut hello);
    pair.now += Duration::from_secs(5);
    let fault = pair.client.wire.handle_timeout(pair.now);
    pair.client
        .wire
        .fail_with(fault.expect_err("the server says nothing"));
    let mut farewell = Vec::new();
    pair.client.wire.transmit(&mut farewell);
    assert!(farewell.is_empty(), "{farewell:?}");
}

#[test]
fn a_stream_is_read_to_its_end_or_breaks_off_with_an_error() {
    let tight = || Config {
        connection_window: 64 << 10,
        stream_window: 16 << 10,
        ..Config::default()
    };
    let mut pair = Pair::shaken(tight(), tight());
    let id = pair.call(CallKind::BothStream);
    let write = pair.client.wire.write(id, Bytes::from(vec![1; 100_000]));
    write.expect("it may be written");
    let mut read = 0;
    while read < 100_000 {
        pair.pass();
        let before = read;
        while let Read::Bytes(bytes) = pair.server.wire.read(id) {
            read += bytes.len();
        }
        assert!(read > before, "{read} bytes came");
    }
    assert!(
        matches!(pair.server.wire.read(id), Read::Pending),
        "no end was declared"
    );
    pair.server.wire.fail_with(Fault::Closed);
    assert!(
        matches!(pair.server.wire.read(id), Read::Broken(_)),
        "half a stream is not a whole one"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn fault_07_arbitrary_bytes_are_a_fault_or_nothing(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        shake in any::<bool>(),
    ) {
        let mut pair = Pair::new(Config::default(), Config::default());
        if shake {
            pair.pass();
        }
        if let Err(fault) = pair.server.take(&bytes, pair.now) {
            pair.server.wire.fail_with(fault);
        }
        prop_assert_eq!(pair.server.wire.in_flight(), 0);
    }

    #[test]
    fn fault_06_a_flipped_bit_is_never_delivered(
        len in prop_oneof![0usize..3_000, 20_000usize..40_000],
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
        step in prop_oneof![500usize..5_000, Just(1_000_000)],
    ) {
        let mut pair = Pair::shaken(Config::default(), Config::default());
        let body = vec![7; len];
        let call = pair.client.wire.call(head(CallKind::Unary), body, None, pair.now);
        call.expect("the call is taken");
        let mut bytes = Vec::new();
        pair.client.wire.transmit(&mut bytes);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        for piece in bytes.chunks(step) {
            if pair.server.take(piece, pair.now).is_err() {
                break;
            }
        }
        prop_assert!(pair.server.arrived().is_empty(), "a changed call was delivered");
    }
}
