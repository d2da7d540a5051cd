//! A deployment of two instances whose every answer is written by the test: pipes in memory, the
//! handshake by the wire's own server, and from then on frames by hand.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{BufMut, BytesMut};
use meshrpc::{
    Channel, Error, Kind, Mesh,
    client::{Answer, Connect},
    codec,
    connection::Connection,
    contract::{MethodSpec, ServiceSpec},
    discovery::{
        Address, Advert, Advertisement, BoxFuture, Endpoint, Endpoints, Instance, Registrar,
        Resolver, Via,
    },
    wire::{
        self, Checksum, Codec, Config, Flags, Frame, FrameReader, FrameType, GoAway, GoAwayReason,
        LocalIdentity, OpenHead, Reason, ReplyHead, Status, put_frame,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::watch,
};

/// Cap on every wait: a test that reaches it has failed.
pub(crate) const CAP: Duration = Duration::from_secs(600);

/// Bytes of a pipe, fewer than a large request has.
const PIPE: usize = 4 << 10;

pub(crate) static CALLS: ServiceSpec = ServiceSpec {
    name: "test.Calls",
    methods: &METHODS,
};
static METHODS: [MethodSpec; 2] = [
    MethodSpec::unary("put", 0x10, &["bytes"], |schema| {
        schema.argument::<String>();
        schema.reply::<u32>();
    }),
    MethodSpec::unary("get", 0x20, &["bytes"], |schema| {
        schema.argument::<String>();
        schema.reply::<u32>();
    })
    .idempotent(),
];

/// Not idempotent.
pub(crate) static PUT: &MethodSpec = &METHODS[0];
/// Idempotent.
pub(crate) static GET: &MethodSpec = &METHODS[1];

/// What becomes of the next call, whichever instance it reaches.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// It is answered.
    Reply,
    /// The connection ends before the request was read to its end.
    LoseBeforeEnd,
    /// The whole request is read, and the connection ends.
    Lose,
    /// A part of the reply is sent, and the connection ends.
    LoseWithinReply,
    /// Never started: a final go-away says so.
    GoAway,
    /// The last word.
    Status(Box<Status>),
    /// Nothing happens.
    Silence,
}

/// How an address answers a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// As the instance that is listed there.
    Open,
    /// Not at all.
    Refused,
    /// Something that is no meshrpc server.
    Stranger,
    /// Another instance than the listed one.
    Usurped,
    /// A server that speaks and closes within the handshake.
    Slammed,
}

/// What an instance saw of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) instance: &'static str,
    pub(crate) method: u64,
    pub(crate) attempt: u8,
    pub(crate) codec: Codec,
    pub(crate) at: tokio::time::Instant,
}

/// The instances, and what is known of them.
#[derive(Debug)]
pub(crate) struct World {
    doors: [Door; 2],
    max_streams: u32,
    steps: Mutex<VecDeque<Step>>,
    /// Calls whose whole request arrived.
    seen: Mutex<Vec<Seen>>,
    /// Codes of RESET frames.
    resets: watch::Sender<Vec<u32>>,
    opened: watch::Sender<usize>,
    dials: AtomicUsize,
}

/// A mesh of the world, and a channel into it.
pub(crate) struct Fixture {
    pub(crate) world: Arc<World>,
    pub(crate) channel: Channel,
    _mesh: Mesh,
}

const NAMES: [&str; 2] = ["calls-1", "calls-2"];

impl Fixture {
    /// Two instances, of which both are connected.
    pub(crate) async fn new(steps: impl IntoIterator<Item = Step>) -> Fixture {
        let fixture = Self::with([Door::Open; 2], 1024, steps);
        fixture
            .channel
            .wait_ready_all()
            .await
            .expect("both instances can be reached");
        fixture
    }

    pub(crate) fn with(
        doors: [Door; 2],
        max_streams: u32,
        steps: impl IntoIterator<Item = Step>,
    ) -> Fixture {
        let world = Arc::new(World {
            doors,
            max_streams,
            steps: Mutex::new(steps.into_iter().collect()),
            seen: Mutex::default(),
            resets: watch::Sender::default(),
            opened: watch::Sender::default(),
            dials: AtomicUsize::new(0),
        });
        let mesh = Mesh::from_parts(
            Arc::new(Nobody),
            Arc::new(Listed),
            Arc::new(Network(Arc::clone(&world))),
        );
        let channel = mesh.channel("calls", &CALLS);
        Fixture {
            world,
            channel,
            _mesh: mesh,
        }
    }

    /// Makes a call with a request of `len` bytes.
    pub(crate) async fn call(
        &self,
        method: &'static MethodSpec,
        len: usize,
    ) -> Result<(u32, u32), Error> {
        call(&self.channel, method, len).await
    }
}

/// The value a call brought, and how often it was handed to an instance.
pub(crate) async fn call(
    channel: &Channel,
    method: &'static MethodSpec,
    len: usize,
) -> Result<(u32, u32), Error> {
    let text = "x".repeat(len);
    let call = channel.call(method).unary(move |args| args.put(&text));
    let answer = tokio::time::timeout(CAP, call)
        .await
        .expect("a call ends")?;
    match answer {
        Answer::Value(value) => Ok((value.decode()?, value.attempts())),
        Answer::Failed(failure) => Err(failure.into_error()),
    }
}

/// A refusal that the method was not started for.
pub(crate) fn refusal(reason: Reason) -> Status {
    Status::refusal(reason, meshrpc::Started::No, "refused by the test")
}

impl World {
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panicked here").clone()
    }

    /// Instances that saw a whole request, in order.
    pub(crate) fn instances(&self) -> Vec<&'static str> {
        self.seen().iter().map(|seen| seen.instance).collect()
    }

    pub(crate) fn dials(&self) -> usize {
        self.dials.load(Ordering::SeqCst)
    }

    /// Waits for `count` calls to have been opened.
    pub(crate) async fn opened(&self, count: usize) {
        let mut opened = self.opened.subscribe();
        let reached = opened.wait_for(|opened| *opened >= count);
        let _ = tokio::time::timeout(CAP, reached)
            .await
            .expect("the call is opened");
    }

    /// Waits for a RESET, and gives its code.
    pub(crate) async fn reset(&self) -> u32 {
        let mut resets = self.resets.subscribe();
        let some = resets.wait_for(|resets| !resets.is_empty());
        let resets = tokio::time::timeout(CAP, some)
            .await
            .expect("a RESET comes")
            .expect("the world lives");
        resets[0]
    }

    pub(crate) fn resets(&self) -> usize {
        self.resets.borrow().len()
    }

    fn next_step(&self) -> Step {
        let mut steps = self.steps.lock().expect("no test panicked here");
        steps.pop_front().unwrap_or(Step::Reply)
    }

    async fn serve(self: Arc<Self>, number: usize, mut io: DuplexStream) {
        let name = match self.doors[number] {
            Door::Stranger => {
                // The answer of something else, to whoever reads it.
                let _ = io.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                return;
            }
            Door::Slammed => {
                let _ = io.read_u8().await;
                return;
            }
            Door::Usurped => "somebody-else",
            Door::Open | Door::Refused => NAMES[number],
        };
        let identity = LocalIdentity {
            name: name.into(),
            epoch: 1,
        };
        let config = Config {
            identity,
            max_streams: self.max_streams,
            contracts: Arc::new([CALLS.offer()]),
            ..Config::default()
        };
        if let Some(mut peer) = Peer::accept(io, config).await {
            while let Some(frame) = peer.next().await {
                if self.handle(number, &mut peer, &frame).await.is_none() {
                    return;
                }
            }
        }
    }

    /// `None` ends the connection.
    async fn handle(&self, number: usize, peer: &mut Peer, frame: &Frame) -> Option<()> {
        match frame.kind {
            Some(FrameType::Open) => {}
            Some(FrameType::Reset) => {
                let code = u32::from_le_bytes(frame.payload[..4].try_into().ok()?);
                self.resets.send_modify(|resets| resets.push(code));
                return Some(());
            }
            _ => return Some(()),
        }
        self.opened.send_modify(|opened| *opened += 1);
        let (head, _) = wire::parse_open(frame.payload.clone()).ok()?;
        let step = self.next_step();
        if matches!(step, Step::LoseBeforeEnd) {
            assert!(!frame.flags.contains(Flags::END), "the request is large");
            return None;
        }
        if !frame.flags.contains(Flags::END) {
            peer.rest(frame.stream).await?;
        }
        self.see(number, &head);
        peer.answer(frame.stream, head.codec, step).await
    }

    fn see(&self, number: usize, head: &OpenHead) {
        let seen = Seen {
            instance: NAMES[number],
            method: head.method,
            attempt: head.attempt,
            codec: head.codec,
            at: tokio::time::Instant::now(),
        };
        self.seen.lock().expect("no test panicked here").push(seen);
    }
}

/// The way to the instances.
#[derive(Debug)]
struct Network(Arc<World>);

impl Connect for Network {
    fn connect<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        config: Arc<Config>,
    ) -> BoxFuture<'a, Result<Connection, Error>> {
        let world = Arc::clone(&self.0);
        world.dials.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let Address::InProcess(number) = endpoint.dial else {
                return Err(Error::new(Kind::Unavailable, "not in this test"));
            };
            let number = number as usize;
            if world.doors[number] == Door::Refused {
                return Err(Error::new(Kind::Unavailable, "connection refused"));
            }
            let (near, far) = duplex(PIPE);
            tokio::spawn(world.serve(number, far));
            Connection::connect(near, config).await
        })
    }
}

/// A registry with a list that never changes.
#[derive(Debug)]
struct Listed;

impl Resolver for Listed {
    fn watch(&self, _: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        let endpoint = |number: usize| Endpoint {
            dial: Address::InProcess(number as u64),
            instance: Some(Instance {
                name: NAMES[number].into(),
                epoch: 1,
            }),
            via: Via::Direct,
            weight: 1,
            zone: None,
        };
        let list = Endpoints::live((0..NAMES.len()).map(endpoint).collect());
        Ok(watch::channel(Arc::new(list)).1)
    }
}

/// A registry that takes nobody.
#[derive(Debug)]
struct Nobody;

impl Registrar for Nobody {
    fn advertise(&self, _: Advertisement) -> BoxFuture<'_, Result<Box<dyn Advert>, Error>> {
        Box::pin(async { Err(Error::new(Kind::Denied, "nobody serves here")) })
    }
}

/// The server's end of a pipe.
pub(crate) struct Peer {
    io: DuplexStream,
    input: BytesMut,
    reader: FrameReader,
}

impl Peer {
    /// The handshake, by the wire's own server. `None` if the client went.
    pub(crate) async fn accept(mut io: DuplexStream, config: Config) -> Option<Peer> {
        let mut core = wire::Connection::server(Arc::new(config), 1, Instant::now());
        let mut input = BytesMut::new();
        let (mut output, mut preface) = (Vec::new(), false);
        while !core.is_established() {
            if io.read_buf(&mut input).await.ok()? == 0 {
                return None;
            }
            if !preface {
                if !wire::take_preface(&mut input).ok()? {
                    continue;
                }
                preface = true;
                core.preface_received();
            }
            if let Some(frame) = core.frame_reader().next(&mut input).ok()? {
                core.receive(&frame, Instant::now()).ok()?;
            }
            core.transmit(&mut output);
            io.write_all(&output).await.ok()?;
            output.clear();
        }
        let reader = core.frame_reader();
        Some(Peer { io, input, reader })
    }

    /// The next frame; `None` when the client is gone.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.reader.next(&mut self.input).ok()? {
                return Some(frame);
            }
            if self.io.read_buf(&mut self.input).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// Reads a large request to its end.
    async fn rest(&mut self, id: u64) -> Option<()> {
        loop {
            let frame = self.next().await?;
            if frame.stream == id && frame.flags.contains(Flags::END) {
                return Some(());
            }
        }
    }

    async fn answer(&mut self, id: u64, codec: Codec, step: Step) -> Option<()> {
        let head = ReplyHead::new(codec);
        match step {
            Step::Reply => {
                let mut body = Vec::new();
                codec::encode(codec, &7u32, &mut body).ok()?;
                self.send(FrameType::Reply, Flags::END, id, |out| {
                    wire::put_reply(out, &head, None);
                    out.put_slice(&body);
                })
                .await
            }
            Step::LoseWithinReply => {
                self.send(FrameType::Reply, Flags::default(), id, |out| {
                    wire::put_reply(out, &head, Some(9));
                    out.put_slice(b"half");
                })
                .await?;
                None
            }
            Step::Status(status) => {
                self.send(FrameType::Status, Flags::END, id, |out| {
                    wire::put_status(out, &status, 0);
                })
                .await
            }
            Step::GoAway => {
                let go_away = GoAway {
                    last: id - 2,
                    reason: GoAwayReason::Draining,
                    soft: false,
                    reconnect_after: None,
                    text: String::new(),
                };
                self.send(FrameType::GoAway, Flags::default(), 0, |out| {
                    wire::put_go_away(out, &go_away);
                })
                .await
            }
            Step::Silence => Some(()),
            Step::Lose | Step::LoseBeforeEnd => None,
        }
    }

    async fn send(
        &mut self,
        kind: FrameType,
        flags: Flags,
        stream: u64,
        payload: impl FnOnce(&mut Vec<u8>),
    ) -> Option<()> {
        let mut out = Vec::new();
        put_frame(&mut out, Checksum::Crc32, kind, flags, stream, payload);
        self.io.write_all(&out).await.ok()
    }
}
