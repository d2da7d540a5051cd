//! Two connection cores joined by byte queues, without sockets and with time made up: whatever the
//! order of calls, chunks, cancellations and the end, nobody gets another's answer, every call ends
//! once, and nothing is left behind.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};
use meshrpc::{
    Started,
    wire::{
        CallKind, Codec, Config, Connection, Event, Failure, Fault, Landing, Metadata, OpenHead,
        Read, Reason, Refusal, ReplyHead, Status, take_preface,
    },
};
use proptest::prelude::*;

/// What a test does next.
#[derive(Clone, Debug)]
enum Step {
    /// The client makes a call with a request of this many bytes.
    Call { len: usize, deadline: Option<u64> },
    /// The client gives up one of its calls.
    Cancel(prop::sample::Index),
    /// A handler answers with this many bytes.
    Answer {
        which: prop::sample::Index,
        len: usize,
    },
    /// A handler answers with an error.
    Fail(prop::sample::Index),
    /// Bytes pass to the server.
    ToServer(usize),
    /// Bytes pass to the client.
    ToClient(usize),
    /// Milliseconds pass.
    Wait(u64),
    /// The server drains.
    GoAway,
    /// The connection breaks.
    Cut,
}

fn step() -> impl Strategy<Value = Step> {
    let len = prop_oneof![
        4 => 0usize..200,
        2 => 1_000usize..40_000,
        1 => 40_000usize..400_000,
    ];
    let chunk = prop_oneof![1usize..64, 64usize..5_000, Just(1_000_000)];
    prop_oneof![
        8 => (len.clone(), prop::option::weighted(0.2, 1u64..2_000))
            .prop_map(|(len, deadline)| Step::Call { len, deadline }),
        2 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        8 => (any::<prop::sample::Index>(), len).prop_map(|(which, len)| Step::Answer { which, len }),
        1 => any::<prop::sample::Index>().prop_map(Step::Fail),
        12 => chunk.clone().prop_map(Step::ToServer),
        12 => chunk.prop_map(Step::ToClient),
        2 => (0u64..1_500).prop_map(Step::Wait),
    ]
}

/// One side with the queue that leads to it.
struct End {
    wire: Connection,
    input: BytesMut,
    /// A chunk that is read to where it stays.
    landing: Option<Landing>,
    preface: bool,
    unwritten: Vec<u8>,
}

impl End {
    fn new(wire: Connection) -> Self {
        Self {
            wire,
            input: BytesMut::new(),
            landing: None,
            preface: false,
            unwritten: Vec::new(),
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
}

struct World {
    now: Instant,
    client: End,
    server: End,
    cut: bool,
    /// Calls by id: the number that request and reply carry.
    calls: HashMap<u64, u64>,
    next: u64,
    ended: HashSet<u64>,
    cancelled: HashSet<u64>,
    /// Calls a handler has, by id.
    handled: Vec<(u64, u64)>,
    /// Every call a handler ever had, by its number.
    ran: HashSet<u64>,
    said_not_started: HashSet<u64>,
}

impl World {
    fn new(client: Config, server: Config) -> Self {
        let now = Instant::now();
        Self {
            now,
            client: End::new(Connection::client(Arc::new(client), 1, now)),
            server: End::new(Connection::server(Arc::new(server), 2, now)),
            cut: false,
            calls: HashMap::new(),
            next: 1,
            ended: HashSet::new(),
            cancelled: HashSet::new(),
            handled: Vec::new(),
            ran: HashSet::new(),
            said_not_started: HashSet::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Call { len, deadline } => self.call(*len, *deadline),
            Step::Cancel(index) => {
                let mut open: Vec<u64> = self.open_calls();
                open.sort_unstable();
                if !open.is_empty() {
                    let id = *index.get(&open);
                    self.client.wire.cancel(id);
                    self.cancelled.insert(id);
                }
            }
            Step::Answer { which, len } => self.answer(which, Some(*len)),
            Step::Fail(which) => self.answer(which, None),
            Step::ToServer(max) => self.pass(true, *max),
            Step::ToClient(max) => self.pass(false, *max),
            Step::Wait(ms) => {
                self.now += Duration::from_millis(*ms);
                self.client
                    .wire
                    .handle_timeout(self.now)
                    .expect("the client is fine");
                if let Err(fault) = self.server.wire.handle_timeout(self.now) {
                    self.server.wire.fail_with(fault);
                }
            }
            Step::GoAway => self.server.wire.go_away(self.now),
            Step::Cut => {
                self.cut = true;
                self.client.wire.fail_with(Fault::Closed);
                self.server.wire.fail_with(Fault::Closed);
            }
        }
        self.events();
    }

    fn open_calls(&self) -> Vec<u64> {
        let open = |id: &&u64| !self.ended.contains(id) && !self.cancelled.contains(id);
        self.calls.keys().filter(open).copied().collect()
    }

    fn call(&mut self, len: usize, deadline: Option<u64>) {
        let number = self.next;
        let deadline = deadline.map(|ms| self.now + Duration::from_millis(ms));
        match self
            .client
            .wire
            .call(head(CallKind::Unary), body(number, len), deadline, self.now)
        {
            Ok(id) => {
                self.calls.insert(id, number);
                self.next += 1;
            }
            Err(Refusal::Closing) => {}
            Err(Refusal::Call(error)) => panic!("a call is refused: {error}"),
        }
    }

    fn answer(&mut self, which: &prop::sample::Index, len: Option<usize>) {
        if self.handled.is_empty() {
            return;
        }
        let (id, number) = self.handled.swap_remove(which.index(self.handled.len()));
        match len {
            Some(len) => self.server.wire.reply(id, &reply_head(), body(number, len)),
            None => {
                let status = Status::refusal(Reason::Application, Started::Yes, number.to_string());
                self.server.wire.status(id, status);
            }
        }
    }

    /// Moves up to `max` bytes of one direction.
    fn pass(&mut self, to_server: bool, max: usize) {
        if self.cut {
            return;
        }
        let (from, to) = if to_server {
            (&mut self.client, &mut self.server)
        } else {
            (&mut self.server, &mut self.client)
        };
        if from.unwritten.is_empty() {
            from.wire.transmit(&mut from.unwritten);
        }
        let len = max.min(from.unwritten.len());
        let bytes: Vec<u8> = from.unwritten.drain(..len).collect();
        from.wire.wrote(len);
        if let Err(fault) = to.take(&bytes, self.now) {
            panic!("a well-behaved peer is faulted: {fault}");
        }
    }

    fn events(&mut self) {
        while let Some(event) = self.server.wire.poll_event() {
            match event {
                Event::Call { id, body, .. } => {
                    let number = number(&body.expect("a unary request is whole"));
                    assert!(self.ran.insert(number), "call {number} was started twice");
                    self.handled.push((id, number));
                }
                Event::Cancelled { id } => {
                    self.handled.retain(|(handled, _)| *handled != id);
                    let gone = Status::refusal(Reason::Panicked, Started::Yes, "stopped");
                    self.server.wire.status(id, gone);
                }
                _ => {}
            }
        }
        while let Some(event) = self.client.wire.poll_event() {
            let (id, failure) = match event {
                Event::Reply { id, body, .. } => {
                    assert_eq!(
                        number(&body),
                        self.calls[&id],
                        "an answer reached another call"
                    );
                    (id, None)
                }
                Event::Failed { id, failure } => (id, Some(failure)),
                _ => continue,
            };
            assert!(
                !self.cancelled.contains(&id),
                "a cancelled call got an answer"
            );
            assert!(self.ended.insert(id), "a call ended twice");
            match failure {
                Some(Failure::Lost {
                    started: Started::No,
                    ..
                }) => {
                    self.said_not_started.insert(self.calls[&id]);
                }
                Some(Failure::Status(status)) if status.reason == Reason::Application => {
                    assert_eq!(status.message, self.calls[&id].to_string());
                }
                _ => {}
            }
        }
    }

    /// Lets everything that is under way arrive and be answered.
    fn settle(&mut self) {
        for _ in 0..100_000 {
            let before = (self.client.wire.in_flight(), self.server.wire.in_flight());
            while let Some((id, number)) = self.handled.pop() {
                self.server.wire.reply(id, &reply_head(), body(number, 10));
            }
            for to_server in [true, false] {
                self.pass(to_server, usize::MAX);
            }
            self.events();
            let quiet = [&self.client, &self.server]
                .iter()
                .all(|end| end.unwritten.is_empty() && !end.wire.wants_transmit());
            if quiet && before == (0, 0) && self.open_calls().is_empty() {
                return;
            }
        }
        panic!("calls never end: {:?}", self.open_calls());
    }

    fn check_end(&self) {
        assert!(
            self.open_calls().is_empty(),
            "calls that never ended: {:?}",
            self.open_calls()
        );
        let lied: Vec<_> = self.said_not_started.intersection(&self.ran).collect();
        assert!(
            lied.is_empty(),
            "reported as not started, and ran: {lied:?}"
        );
        assert_eq!(self.client.wire.in_flight(), 0);
        assert_eq!(self.server.wire.in_flight(), 0);
    }
}

/// A body of which the first eight bytes are `number`.
fn body(number: u64, len: usize) -> Bytes {
    let mut body = number.to_le_bytes().to_vec();
    body.resize(8 + len, number as u8);
    body.into()
}

fn number(body: &Bytes) -> u64 {
    let number = u64::from_le_bytes(body[..8].try_into().expect("a body begins with its number"));
    assert!(
        body[8..].iter().all(|&byte| byte == number as u8),
        "a body of two calls"
    );
    number
}

fn reply_head() -> ReplyHead {
    ReplyHead {
        codec: Codec::Positional,
        metadata: Metadata::new(),
    }
}

fn head(kind: CallKind) -> OpenHead {
    OpenHead {
        kind,
        codec: Codec::Positional,
        method: 1,
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

/// Small windows, so that credit is what decides.
fn tight() -> Config {
    Config {
        connection_window: 64 << 10,
        stream_window: 16 << 10,
        inline_max: 1 << 10,
        max_streams: 5,
        ..Config::default()
    }
}

fn configs() -> impl Strategy<Value = (Config, Config)> {
    let config = || prop_oneof![Just(Config::default()), Just(tight())];
    (config(), config())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn every_call_ends_once_with_its_own_answer(
        (client, server) in configs(),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut world = World::new(client, server);
        world.settle();
        for step in &steps {
            world.step(step);
        }
        world.settle();
        world.check_end();
        // Credit was conserved: as much as ever can pass.
        for _ in 0..4 {
            world.call(500_000, None);
        }
        world.settle();
        world.check_end();
    }

    #[test]
    fn draining_loses_no_call_and_runs_none_that_it_disowns(
        (client, server) in configs(),
        before in prop::collection::vec(step(), 1..60),
        after in prop::collection::vec(step(), 0..60),
    ) {
        let mut world = World::new(client, server);
        world.settle();
        before.iter().for_each(|step| world.step(step));
        world.step(&Step::GoAway);
        after.iter().for_each(|step| world.step(step));
        world.settle();
        world.check_end();
    }

    #[test]
    fn a_cut_ends_every_call_and_tells_the_truth_about_its_start(
        (client, server) in configs(),
        steps in prop::collection::vec(step(), 1..100),
    ) {
        let mut world = World::new(client, server);
        world.settle();
        steps.iter().for_each(|step| world.step(step));
        world.step(&Step::Cut);
        world.check_end();
    }

    #[test]
    fn fault_07_arbitrary_bytes_are_a_fault_or_nothing(bytes in prop::collection::vec(any::<u8>(), 0..600), shake in any::<bool>()) {
        let mut world = World::new(Config::default(), Config::default());
        if shake {
            world.settle();
        }
        if let Err(fault) = world.server.take(&bytes, world.now) {
            world.server.wire.fail_with(fault);
        }
        prop_assert_eq!(world.server.wire.in_flight(), 0);
    }

    #[test]
    fn fault_06_a_flipped_bit_is_never_delivered(
        len in prop_oneof![0usize..3_000, 20_000usize..40_000],
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
        step in prop_oneof![500usize..5_000, Just(1_000_000)],
    ) {
        let mut world = World::new(Config::default(), Config::default());
        world.settle();
        world.call(len, None);
        world.client.wire.transmit(&mut world.client.unwritten);
        let at = at.index(world.client.unwritten.len());
        world.client.unwritten[at] ^= 1 << bit;
        let sent = std::mem::take(&mut world.client.unwritten);
        for piece in sent.chunks(step) {
            if world.server.take(piece, world.now).is_err() {
                break;
            }
        }
        while let Some(event) = world.server.wire.poll_event() {
            prop_assert!(!matches!(event, Event::Call { .. }), "a changed call was delivered");
        }
    }
}

#[test]
fn a_stream_is_read_to_its_end_or_breaks_off_with_an_error() {
    let mut world = World::new(tight(), tight());
    world.settle();
    let id = world
        .client
        .wire
        .call(head(CallKind::BothStream), Bytes::new(), None, world.now)
        .expect("taken");
    world
        .client
        .wire
        .write(id, Bytes::from(vec![1; 100_000]))
        .expect("open");
    let mut read = 0;
    let mut server_id = None;
    for _ in 0..1_000 {
        world.pass(true, usize::MAX);
        while let Some(event) = world.server.wire.poll_event() {
            if let Event::Call { id, .. } = event {
                server_id = Some(id);
            }
        }
        if let Some(id) = server_id {
            while let Read::Bytes(bytes) = world.server.wire.read(id) {
                read += bytes.len();
            }
        }
        world.pass(false, usize::MAX);
        if read == 100_000 {
            break;
        }
    }
    assert_eq!(read, 100_000);
    let id = server_id.expect("the call arrived");
    assert!(
        matches!(world.server.wire.read(id), Read::Pending),
        "no end was declared"
    );
    world.server.wire.fail_with(Fault::Closed);
    assert!(
        matches!(world.server.wire.read(id), Read::Broken(_)),
        "half a stream is not a whole one"
    );
}

#[test]
fn a_call_given_up_while_its_chunk_is_read_leaves_nothing_behind() {
    let mut world = World::new(tight(), tight());
    world.settle();
    world.call(60_000, None);
    while world.server.landing.is_none() {
        world.pass(true, 2_000);
    }
    let id = world.open_calls()[0];
    world.client.wire.cancel(id);
    world.cancelled.insert(id);
    world.settle();
    world.check_end();
    for _ in 0..4 {
        world.call(500_000, None);
    }
    world.settle();
    world.check_end();
}
