//! Frames that are whole and come from a peer that means no good, or has lost its wits: they end
//! at most the connection they came on, and what they can make this side hold or do is bounded.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use meshrpc::{
    Code, Started,
    wire::{
        CallKind, Codec, Config, Connection, Detail, Event, Failure, Fault, Flags, Frame,
        FrameType, GoAway, GoAwayReason, OpenHead, Read, ReplyHead, Side, Status, put_go_away,
        put_open, put_reply, put_status, take_preface,
    },
};

/// One side after a good handshake, and what has become of its calls.
struct Target {
    side: Side,
    wire: Connection,
    now: Instant,
    /// Client: calls that were made. Server: calls whose handlers run.
    calls: HashSet<u64>,
    ended: HashSet<u64>,
}

impl Target {
    fn new(side: Side, config: Config) -> Self {
        let now = Instant::now();
        let config = Arc::new(config);
        let mut client = Connection::client(Arc::clone(&config), 1, now);
        let mut server = Connection::server(config, 2, now);
        pass(&mut client, &mut server, now);
        pass(&mut server, &mut client, now);
        assert!(client.is_established() && server.is_established());
        let mut target = Self {
            side,
            wire: if side == Side::Client { client } else { server },
            now,
            calls: HashSet::new(),
            ended: HashSet::new(),
        };
        target.collect();
        target
    }

    fn receive(&mut self, frame: &Frame) -> Result<(), Fault> {
        let result = self.wire.receive(frame, self.now);
        if let Err(fault) = &result {
            self.wire.fail_with(fault.clone());
        }
        self.collect();
        result
    }

    fn call(&mut self, kind: CallKind, len: usize) {
        let body = match kind {
            CallKind::Unary | CallKind::ServerStream => Bytes::from(vec![1; len]),
            CallKind::ClientStream | CallKind::BothStream => Bytes::new(),
        };
        if let Ok(id) = self.wire.call(open_head(kind), body, None, self.now) {
            self.calls.insert(id);
        }
        self.collect();
    }

    /// Lets the handlers of a server say their last word.
    fn handlers_end(&mut self) {
        for id in self.calls.drain() {
            self.wire
                .reply(id, &reply_head(), Bytes::from_static(b"done"));
            self.wire.stop_reading(id);
        }
        self.collect();
    }

    fn transmit(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.wire.transmit(&mut out);
        self.wire.wrote(out.len());
        self.collect();
        out
    }

    fn collect(&mut self) {
        while let Some(event) = self.wire.poll_event() {
            match event {
                Event::Call { id, .. } => assert!(self.calls.insert(id), "a call came twice"),
                Event::Reply { id, .. } => self.over(id),
                Event::Failed { id, failure } => {
                    // A streaming reply that had begun may break off.
                    if !matches!(
                        failure,
                        Failure::Lost {
                            started: Started::Yes,
                            ..
                        }
                    ) {
                        self.ended.insert(id);
                    } else if self.side == Side::Client {
                        self.over(id);
                    }
                }
                _ => {}
            }
        }
    }

    fn over(&mut self, id: u64) {
        assert!(self.ended.insert(id), "call {id} ended twice");
    }
}

fn pass(from: &mut Connection, to: &mut Connection, now: Instant) {
    let mut bytes = Vec::new();
    from.transmit(&mut bytes);
    let mut input = BytesMut::from(&bytes[..]);
    assert!(take_preface(&mut input).expect("a preface"));
    to.preface_received();
    while let Some(frame) = to.frame_reader().next(&mut input).expect("a frame") {
        to.receive(&frame, now).expect("a hello");
    }
}

fn open_head(kind: CallKind) -> OpenHead {
    OpenHead::new(kind, Codec::Positional, 1)
}

fn reply_head() -> ReplyHead {
    ReplyHead::new(Codec::Positional)
}

fn frame(kind: FrameType, flags: Flags, stream: u64, payload: impl Into<Bytes>) -> Frame {
    Frame {
        kind: Some(kind),
        flags,
        stream,
        payload: payload.into(),
    }
}

fn open(id: u64, kind: CallKind, flags: Flags, body: &[u8]) -> Frame {
    let mut payload = Vec::new();
    put_open(&mut payload, &open_head(kind));
    payload.extend_from_slice(body);
    frame(FrameType::Open, flags, id, payload)
}

fn reset(id: u64) -> Frame {
    frame(FrameType::Reset, Flags::default(), id, vec![0; 4])
}

fn go_away(last: u64, reason: GoAwayReason, soft: bool) -> Frame {
    let go_away = GoAway {
        last,
        reason,
        soft,
        reconnect_after: Some(Duration::from_millis(u32::MAX.into())),
        text: "x".into(),
    };
    let mut payload = Vec::new();
    put_go_away(&mut payload, &go_away);
    frame(FrameType::GoAway, Flags::default(), 0, payload)
}

fn end_of(total: u64, bytes: &[u8]) -> Vec<u8> {
    let mut payload = total.to_le_bytes().to_vec();
    payload.extend_from_slice(bytes);
    payload
}

fn tight() -> Config {
    Config {
        connection_window: 64 << 10,
        stream_window: 16 << 10,
        inline_max: 1 << 10,
        max_streams: 5,
        ..Config::default()
    }
}

#[test]
fn frames_that_bring_nothing_are_taken_for_a_while_and_then_end_the_connection() {
    let unknown = Frame {
        kind: None,
        flags: Flags::default(),
        stream: 0,
        payload: Bytes::new(),
    };
    let of_connection = |kind, len| frame(kind, Flags::default(), 0, vec![0; len]);
    let idle = [
        unknown,
        of_connection(FrameType::Info, 0),
        of_connection(FrameType::Pong, 8),
        of_connection(FrameType::Credit, 4),
        reset(2),
        go_away(u64::MAX, GoAwayReason::Draining, true),
    ];
    for frame in &idle {
        let mut target = Target::new(Side::Server, Config::default());
        target
            .receive(&open(2, CallKind::Unary, Flags::END, b""))
            .expect("a call");
        for _ in 0..1_000 {
            target.receive(frame).expect("a few are nothing special");
        }
        let fault = (0..100_000).find_map(|_| target.receive(frame).err());
        assert_eq!(
            fault,
            Some(Fault::IdleFrames { most: 20_000 }),
            "after {frame:?}"
        );
    }
}

#[test]
fn what_follows_cancelled_calls_late_is_no_flood() {
    let mut target = Target::new(Side::Client, Config::default());
    let mut reply = Vec::new();
    put_reply(&mut reply, &reply_head(), None);
    for _ in 0..30_000 {
        target.call(CallKind::Unary, 0);
        let id = *target.calls.iter().next().expect("a call was taken");
        target.calls.clear();
        target.wire.cancel(id);
        target
            .receive(&frame(FrameType::Reply, Flags::END, id, reply.clone()))
            .expect("a reply that crossed the reset");
        target.transmit();
    }
    assert_eq!(target.wire.counters().late_frames, 30_000);
}

#[test]
fn a_peer_that_leaves_answers_unread_is_not_read_either() {
    let mut target = Target::new(Side::Server, Config::default());
    target
        .receive(&open(2, CallKind::Unary, Flags::default(), b""))
        .expect("a call");
    let asks = frame(FrameType::Data, Flags::CREDIT_NOW, 2, vec![1]);
    let mut frames = 0;
    while target.wire.takes_frames() {
        target.receive(&asks).expect("one byte");
        frames += 1;
        assert!(frames < 1_000_000, "answers gather without end");
    }
    assert!(target.transmit().len() < 300 << 10);
    assert!(
        target.wire.takes_frames(),
        "read again when they were taken"
    );
}

#[test]
fn a_client_reads_however_much_it_asks() {
    let mut target = Target::new(Side::Client, Config::default());
    for _ in 0..200 {
        target.call(CallKind::Unary, 10_000);
    }
    assert!(
        target.wire.takes_frames(),
        "else both sides could wait for the other to read"
    );
}

#[test]
fn handlers_of_cancelled_calls_count_until_they_end() {
    let config = tight();
    let most = config.max_streams as usize;
    let mut target = Target::new(Side::Server, config);
    for id in (2..200).step_by(2) {
        target
            .receive(&open(id, CallKind::Unary, Flags::END, b""))
            .expect("a call");
        target.receive(&reset(id)).expect("it is given up");
        assert!(target.calls.len() <= most, "cancelled calls do not count");
    }
    assert_eq!(target.calls.len(), most);
    assert!(target.wire.counters().refused_streams > 0);

    target.handlers_end();
    target
        .receive(&open(200, CallKind::Unary, Flags::END, b""))
        .expect("a call");
    assert_eq!(target.calls.len(), 1, "handlers that ended count no more");
}

#[test]
fn handlers_of_calls_past_their_deadline_count_until_they_end() {
    let config = tight();
    let most = config.max_streams as usize;
    let mut target = Target::new(Side::Server, config);
    let mut payload = Vec::new();
    let head = OpenHead {
        time_left: Some(Duration::from_millis(1)),
        ..open_head(CallKind::Unary)
    };
    put_open(&mut payload, &head);
    for id in (2..200).step_by(2) {
        target
            .receive(&frame(FrameType::Open, Flags::END, id, payload.clone()))
            .expect("a call");
        target.now += Duration::from_millis(2);
        target
            .wire
            .handle_timeout(target.now)
            .expect("nothing else is due");
        target.transmit();
    }
    assert_eq!(target.calls.len(), most);
}

#[test]
fn the_body_of_a_refused_call_is_counted_like_any() {
    for refused_for_its_codec in [true, false] {
        let mut target = Target::new(Side::Server, tight());
        if !refused_for_its_codec {
            for id in (2..12).step_by(2) {
                target
                    .receive(&open(id, CallKind::Unary, Flags::END, b""))
                    .expect("a call");
            }
        }
        let handled = target.calls.len();
        let mut first = open(100, CallKind::Unary, Flags::default(), b"four");
        if refused_for_its_codec {
            let mut payload = first.payload.to_vec();
            payload[3] = 0x40;
            first.payload = payload.into();
        }
        target
            .receive(&first)
            .expect("the call is refused, not the connection");
        let last = frame(FrameType::Data, Flags::END, 100, end_of(9, b"bytes"));
        target.receive(&last).expect("four and five bytes are nine");
        assert_eq!(target.calls.len(), handled, "the call was refused");
    }
}

#[test]
fn short_pieces_of_an_unread_stream_are_put_together() {
    let mut target = Target::new(Side::Server, Config::default());
    target
        .receive(&open(2, CallKind::BothStream, Flags::default(), b""))
        .expect("a call");
    for n in 0..10_000u32 {
        let piece = frame(FrameType::Data, Flags::default(), 2, vec![n as u8]);
        target.receive(&piece).expect("one byte");
    }
    let long = vec![9; 20_000];
    target
        .receive(&frame(FrameType::Data, Flags::default(), 2, long))
        .expect("a long piece");
    let mut pieces = Vec::new();
    while let Read::Bytes(bytes) = target.wire.read(2) {
        pieces.push(bytes);
    }
    assert_eq!(pieces.len(), 2);
    assert!(
        pieces[0]
            .iter()
            .enumerate()
            .all(|(n, byte)| *byte == n as u8),
        "out of order"
    );
    assert_eq!(pieces[1].len(), 20_000);
}

#[test]
fn a_server_cannot_disown_a_call_that_it_has_answered() {
    let mut target = Target::new(Side::Client, Config::default());
    target.call(CallKind::Unary, 0);
    let mut reply = Vec::new();
    put_reply(&mut reply, &reply_head(), Some(8));
    target
        .receive(&frame(FrameType::Reply, Flags::default(), 2, reply))
        .expect("a reply begins");
    let fault = target.receive(&go_away(0, GoAwayReason::Draining, false));
    assert!(matches!(fault, Err(Fault::Malformed(_))), "{fault:?}");
}

#[test]
fn an_end_has_no_status_behind_it() {
    let mut target = Target::new(Side::Client, Config::default());
    target.call(CallKind::BothStream, 0);
    let mut payload = Vec::new();
    put_reply(&mut payload, &reply_head(), None);
    target
        .receive(&frame(FrameType::Reply, Flags::END, 2, payload))
        .expect("a whole stream");
    let mut payload = Vec::new();
    let status = Status::application(Code::Unknown, "after all", Detail::None);
    put_status(&mut payload, &status, 0);
    let fault = target.receive(&frame(FrameType::Status, Flags::END, 2, payload));
    assert!(matches!(fault, Err(Fault::Malformed(_))), "{fault:?}");
}
