//! Two ends of a connection over a pipe in memory and over sockets: what callers and handlers see.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use meshrpc::{
    Kind, Started,
    connection::{CallFailure, Connection, Dispatch, Incoming, IncomingBody, NotTaken},
    wire::{
        Body, CallKind, Checksum, Codec, Config, Flags, FrameType, LocalIdentity, OpenHead, Reason,
        ReplyHead, Status, put_frame, put_open,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc,
    task::JoinHandle,
};

const ECHO: u64 = 1;
const HANG: u64 = 2;
const BIG: u64 = 3;
const BLOCK: u64 = 4;
const STREAM: u64 = 5;
const GATED: u64 = 6;

/// Cap on every wait: a test that reaches it has failed.
const CAP: Duration = Duration::from_secs(30);

struct Methods {
    started: AtomicUsize,
    dropped: Arc<AtomicUsize>,
    gate: Arc<tokio::sync::Semaphore>,
    entered: Mutex<Option<mpsc::UnboundedSender<()>>>,
}

impl Default for Methods {
    fn default() -> Self {
        Self {
            started: AtomicUsize::new(0),
            dropped: Arc::default(),
            gate: Arc::new(tokio::sync::Semaphore::new(0)),
            entered: Mutex::default(),
        }
    }
}

struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Dispatch for Methods {
    fn dispatch(&self, calls: &mut dyn Iterator<Item = Incoming>) -> bool {
        calls.for_each(|call| self.start(call));
        true
    }
}

impl Methods {
    fn start(&self, call: Incoming) {
        self.started.fetch_add(1, Ordering::SeqCst);
        let canceller = call.responder.canceller();
        let dropped = CountDrop(Arc::clone(&self.dropped));
        let gate = Arc::clone(&self.gate);
        let entered = self.entered.lock().unwrap().clone();
        let task = tokio::spawn(async move {
            let _dropped = dropped;
            if let Some(entered) = entered {
                let _ = entered.send(());
            }
            let head = ReplyHead::new(Codec::Positional);
            match (call.head.method, call.body) {
                (ECHO, IncomingBody::Buffered(body)) => call.responder.reply(&head, body),
                (HANG, _) => pending::<()>().await,
                (BIG, _) => call.responder.reply(&head, Bytes::from(vec![7; 64 << 20])),
                (BLOCK, body) => {
                    std::thread::sleep(Duration::from_millis(500));
                    let IncomingBody::Buffered(body) = body else {
                        return;
                    };
                    call.responder.reply(&head, body);
                }
                (STREAM, IncomingBody::Stream(mut body)) => {
                    let mut answer = call.responder.stream(&head);
                    while let Some(Ok(bytes)) = body.recv().await {
                        if answer.send(bytes).await.is_err() {
                            return;
                        }
                    }
                    answer.finish();
                }
                (GATED, IncomingBody::Buffered(body)) => {
                    let _permit = gate.acquire().await;
                    call.responder.reply(&head, body);
                }
                _ => call.responder.status(Status::refusal(
                    Reason::UnknownMethod,
                    Started::No,
                    "no such method",
                )),
            }
        });
        canceller.abort_on_cancel(task.abort_handle());
    }
}

struct Pair {
    client: Connection,
    server: Connection,
    methods: Arc<Methods>,
    driver: JoinHandle<Result<(), meshrpc::wire::Fault>>,
}

async fn pair() -> Pair {
    pair_with(Config::default(), Config::default()).await
}

async fn pair_with(client: Config, mut server: Config) -> Pair {
    let (near, far) = duplex(64 << 10);
    server.identity = LocalIdentity {
        name: "greeter-1".into(),
        epoch: 7,
    };
    let methods = Arc::new(Methods::default());
    let (server, driver) = Connection::accept(far, Arc::new(server), Arc::clone(&methods) as _);
    let driver = tokio::spawn(driver.run());
    let client = Connection::connect(near, Arc::new(client))
        .await
        .expect("the handshake works");
    Pair {
        client,
        server,
        methods,
        driver,
    }
}

fn head(method: u64, kind: CallKind) -> OpenHead {
    OpenHead::new(kind, Codec::Positional, method)
}

async fn call(
    connection: &Connection,
    method: u64,
    body: impl Into<Body>,
) -> Result<Bytes, CallFailure> {
    let call = connection
        .call(head(method, CallKind::Unary), body, None)
        .expect("taken");
    tokio::time::timeout(CAP, call)
        .await
        .expect("the call ends")
        .map(|reply| reply.body)
}

fn lost(result: Result<Bytes, CallFailure>) -> (Started, Kind) {
    match result {
        Err(CallFailure::Lost { started, cause }) => (started, cause.kind()),
        other => panic!("a lost call, not {other:?}"),
    }
}

#[tokio::test]
async fn a_call_is_answered_and_the_peer_is_known() {
    let pair = pair().await;
    let peer = pair.client.peer();
    assert_eq!((&*peer.name, peer.epoch), ("greeter-1", 7));
    assert_eq!(call(&pair.client, ECHO, "hello").await.unwrap(), "hello");
    assert_eq!(call(&pair.client, ECHO, "").await.unwrap(), "");
}

#[tokio::test]
async fn bodies_of_every_size_pass_unchanged() {
    let pair = pair().await;
    for len in [1, 16 << 10, (16 << 10) + 1, 262_144, 262_145, 5 << 20] {
        let body: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
        let answer = call(&pair.client, ECHO, body.clone()).await.unwrap();
        assert!(answer == body, "a body of {len} bytes came back changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_calls_go_on_beside_a_large_reply() {
    let pair = pair().await;
    let big = pair
        .client
        .call(head(BIG, CallKind::Unary), Bytes::new(), None)
        .unwrap();
    let big = tokio::spawn(big);
    let mut during = 0;
    while !big.is_finished() {
        assert_eq!(call(&pair.client, ECHO, "x").await.unwrap(), "x");
        during += usize::from(!big.is_finished());
    }
    let reply = big.await.unwrap().unwrap();
    assert_eq!(reply.body.len(), 64 << 20);
    assert!(reply.body.iter().all(|&byte| byte == 7));
    assert!(
        during > 10,
        "only {during} small calls ended while 64 MiB passed"
    );
}

#[tokio::test]
async fn more_calls_than_streams_wait_their_turn() {
    let server = Config {
        max_streams: 4,
        ..Config::default()
    };
    let pair = pair_with(Config::default(), server).await;
    let calls: Vec<_> = (0..100u32)
        .map(|i| {
            let body = Bytes::copy_from_slice(&i.to_le_bytes());
            pair.client
                .call(head(ECHO, CallKind::Unary), body, None)
                .unwrap()
        })
        .collect();
    for (i, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().body[..], (i as u32).to_le_bytes());
    }
}

#[tokio::test]
async fn a_call_that_waits_takes_the_room_of_one_that_is_dropped() {
    let server = Config {
        max_streams: 2,
        ..Config::default()
    };
    let pair = pair_with(Config::default(), server).await;
    let hang = || {
        let head = head(HANG, CallKind::Unary);
        pair.client.call(head, Bytes::new(), None).unwrap()
    };
    let (first, _second) = (hang(), hang());
    let waiting = call(&pair.client, ECHO, "its turn");
    let drops_first = async {
        wait_until(|| pair.methods.started.load(Ordering::SeqCst) == 2).await;
        drop(first);
    };
    let (answer, ()) = tokio::join!(waiting, drops_first);
    assert_eq!(answer.unwrap(), "its turn");
}

#[tokio::test]
async fn dropping_the_call_drops_the_handler() {
    let pair = pair().await;
    let (entered, mut entries) = mpsc::unbounded_channel();
    *pair.methods.entered.lock().unwrap() = Some(entered);
    let hanging = pair
        .client
        .call(head(HANG, CallKind::Unary), Bytes::new(), None)
        .unwrap();
    entries.recv().await.unwrap();
    drop(hanging);
    wait_until(|| pair.methods.dropped.load(Ordering::SeqCst) == 1).await;
    assert_eq!(
        call(&pair.client, ECHO, "still here").await.unwrap(),
        "still here"
    );
}

#[tokio::test]
async fn a_deadline_ends_the_call_on_both_sides() {
    let pair = pair().await;
    let deadline = Instant::now() + Duration::from_millis(50);
    let hanging = pair
        .client
        .call(head(HANG, CallKind::Unary), Bytes::new(), Some(deadline))
        .unwrap();
    let failure = hanging.await.unwrap_err();
    match failure {
        CallFailure::Lost { started, cause } => {
            assert_eq!(
                (started, cause.kind()),
                (Started::Unknown, Kind::DeadlineExceeded)
            );
        }
        // The callee's clock may be first.
        CallFailure::Status(status) => assert_eq!(status.reason, Reason::DeadlineExceeded),
    }
    wait_until(|| pair.methods.dropped.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn a_deadline_that_has_passed_sends_nothing() {
    let pair = pair().await;
    let call = pair.client.call(
        head(ECHO, CallKind::Unary),
        Bytes::new(),
        Some(Instant::now()),
    );
    match call {
        Err(NotTaken::Call(error)) => assert_eq!(error.kind(), Kind::DeadlineExceeded),
        _ => panic!("the call is not taken"),
    }
    assert_eq!(pair.methods.started.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn too_large_a_request_fails_here_and_alone() {
    let server = Config {
        max_message: 1 << 20,
        ..Config::default()
    };
    let pair = pair_with(Config::default(), server).await;
    let call_ = pair
        .client
        .call(head(ECHO, CallKind::Unary), vec![0; (1 << 20) + 1], None);
    match call_ {
        Err(NotTaken::Call(error)) => assert!(matches!(error.kind(), Kind::Refused { .. })),
        _ => panic!("the call is not taken"),
    }
    assert_eq!(call(&pair.client, ECHO, "ok").await.unwrap(), "ok");
}

#[tokio::test]
async fn too_large_a_reply_is_an_error_that_says_it_started() {
    let client = Config {
        max_message: 1 << 20,
        ..Config::default()
    };
    let pair = pair_with(client, Config::default()).await;
    match call(&pair.client, BIG, "").await {
        Err(CallFailure::Status(status)) => {
            assert_eq!(
                (status.reason, status.started),
                (Reason::TooLarge, Started::Yes)
            );
        }
        other => panic!("a status, not {other:?}"),
    }
    assert_eq!(call(&pair.client, ECHO, "ok").await.unwrap(), "ok");
}

#[tokio::test]
async fn a_connection_that_dies_says_that_the_call_may_have_run() {
    let pair = pair().await;
    let (entered, mut entries) = mpsc::unbounded_channel();
    *pair.methods.entered.lock().unwrap() = Some(entered);
    let hanging = pair
        .client
        .call(head(HANG, CallKind::Unary), Bytes::new(), None)
        .unwrap();
    entries.recv().await.unwrap();
    pair.driver.abort();
    let result = hanging.await.map(|reply| reply.body);
    assert_eq!(lost(result), (Started::Unknown, Kind::Unavailable));
    pair.client.closed().await;
    assert!(!pair.client.takes_calls());
}

#[tokio::test]
async fn a_request_that_was_never_written_says_it_did_not_start() {
    // The peer shakes hands and then reads nothing: what does not fit the pipe stays here.
    let (near, far) = duplex(32 << 10);
    let methods = Arc::new(Methods::default());
    let (_server, driver) = Connection::accept(far, Arc::default(), methods as _);
    let driver = tokio::spawn(driver.run());
    let client = Connection::connect(near, Arc::default()).await.unwrap();
    driver.abort();
    let _ = driver.await;
    let large = client.call(head(ECHO, CallKind::Unary), vec![0; 1 << 20], None);
    if let Ok(large) = large {
        assert_eq!(lost(large.await.map(|reply| reply.body)).0, Started::No);
    }
}

#[tokio::test]
async fn draining_finishes_what_it_accepted_and_takes_nothing_new() {
    let pair = pair().await;
    let (entered, mut entries) = mpsc::unbounded_channel();
    *pair.methods.entered.lock().unwrap() = Some(entered);
    let gated = pair
        .client
        .call(head(GATED, CallKind::Unary), "kept", None)
        .unwrap();
    entries.recv().await.unwrap();

    pair.server.go_away();
    pair.client.closing().await;
    let refused = pair
        .client
        .call(head(ECHO, CallKind::Unary), Bytes::new(), None);
    assert!(matches!(refused, Err(NotTaken::Closing)));
    pair.methods.gate.add_permits(1);
    assert_eq!(gated.await.unwrap().body, "kept");
    assert!(pair.driver.await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_or_run_twice_when_a_server_drains_under_load() {
    let pair = pair().await;
    let client = pair.client.clone();
    let load = tokio::spawn(async move {
        let mut answered = 0;
        loop {
            match client.call(head(ECHO, CallKind::Unary), "x", None) {
                Ok(call) => match call.await {
                    Ok(_) => answered += 1,
                    Err(CallFailure::Lost {
                        started: Started::No,
                        ..
                    }) => {}
                    Err(other) => panic!("a call failed: {other:?}"),
                },
                Err(NotTaken::Closing) => return answered,
                Err(other) => panic!("a call failed: {other:?}"),
            }
        }
    });
    wait_until(|| pair.methods.started.load(Ordering::SeqCst) > 100).await;
    pair.server.go_away();
    let answered = load.await.unwrap();
    assert_eq!(answered, pair.methods.started.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_its_thread_delays_no_other_call() {
    let pair = pair().await;
    let blocking = pair
        .client
        .call(head(BLOCK, CallKind::Unary), "late", None)
        .unwrap();
    let blocking = tokio::spawn(blocking);
    wait_until(|| pair.methods.started.load(Ordering::SeqCst) == 1).await;
    for _ in 0..100 {
        assert_eq!(call(&pair.client, ECHO, "x").await.unwrap(), "x");
    }
    assert!(
        !blocking.is_finished(),
        "100 calls ended while one handler slept"
    );
    assert_eq!(blocking.await.unwrap().unwrap().body, "late");
}

#[tokio::test]
async fn streams_pass_both_ways_with_back_pressure() {
    let pair = pair().await;
    let (mut out, reply) = pair
        .client
        .stream(head(STREAM, CallKind::BothStream), Bytes::new(), None)
        .unwrap();
    let sender = tokio::spawn(async move {
        for i in 0..200u32 {
            out.send(Bytes::from(vec![i as u8; 50_000])).await.unwrap();
        }
        out.finish();
    });
    let (_, mut incoming) = reply.head().await.unwrap();
    let mut received = Vec::new();
    while let Some(bytes) = incoming.recv().await {
        received.extend_from_slice(&bytes.unwrap());
    }
    sender.await.unwrap();
    assert_eq!(received.len(), 200 * 50_000);
    let in_order = received
        .chunks(50_000)
        .enumerate()
        .all(|(i, chunk)| chunk.iter().all(|&b| b == i as u8));
    assert!(in_order, "the bytes came in another order");
    drop(incoming);
    assert_eq!(pair.client.in_flight(), 0);
    wait_until(|| pair.server.in_flight() == 0).await;
}

#[tokio::test]
async fn bulk_in_both_directions_does_not_wait_for_itself() {
    let pair = pair().await;
    let body = vec![5; 8 << 20];
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let head = head(ECHO, CallKind::Unary);
            pair.client.call(head, body.clone(), None).expect("taken")
        })
        .collect();
    for call in calls {
        let reply = tokio::time::timeout(CAP, call).await.expect("it ends");
        assert!(reply.unwrap().body == body);
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_does_not_keep_a_closed_connection() {
    let (near, far) = duplex(64 << 10);
    let methods = Arc::new(Methods::default());
    let (server, driver) = Connection::accept(far, Arc::default(), Arc::clone(&methods) as _);
    let driver = tokio::spawn(driver.run());
    let mut near = shaken(near).await;
    // An answer larger than the pipe, which nobody reads.
    near.write_all(&open_frame(2, BIG)).await.unwrap();
    wait_until(|| methods.started.load(Ordering::SeqCst) == 1).await;
    server.close();
    assert_eq!(driver.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn an_unread_stream_stops_its_sender_and_nothing_else() {
    let pair = pair().await;
    let (mut out, _reply) = pair
        .client
        .stream(head(HANG, CallKind::BothStream), Bytes::new(), None)
        .unwrap();
    let sender = tokio::spawn(async move {
        let mut sent = 0usize;
        while out.send(Bytes::from(vec![0; 64 << 10])).await.is_ok() {
            sent += 64 << 10;
            assert!(sent < 16 << 20, "an unread stream took {sent} bytes");
        }
    });
    for _ in 0..200 {
        assert_eq!(
            call(&pair.client, ECHO, vec![1; 100_000])
                .await
                .unwrap()
                .len(),
            100_000
        );
    }
    sender.abort();
}

#[tokio::test]
async fn a_peer_of_another_protocol_gets_a_short_answer() {
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        &[0x16, 3, 1, 2, 0, 1, 0],
        &[0; 64],
    ] {
        let (mut near, driver) = bare_server();
        near.write_all(garbage).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(CAP, near.read_to_end(&mut answer))
            .await
            .expect("closed")
            .unwrap();
        assert_eq!(answer, b"MRPC: not a meshrpc client\r\n");
        drop(near);
        assert_eq!(driver.await.unwrap(), Err(meshrpc::wire::Fault::NotMeshrpc));
    }
}

#[tokio::test]
async fn a_probe_is_no_error() {
    let (near, driver) = bare_server();
    drop(near);
    assert_eq!(driver.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn an_idle_client_that_lets_go_closes_the_connection() {
    let pair = pair().await;
    drop(pair.client);
    assert_eq!(
        tokio::time::timeout(CAP, pair.driver)
            .await
            .expect("closed")
            .unwrap(),
        Ok(())
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_noticed_by_a_ping() {
    let (near, far) = duplex(64 << 10);
    let (_server, driver) =
        Connection::accept(near, Arc::default(), Arc::new(Methods::default()) as _);
    let driver = tokio::spawn(driver.run());
    let _far = shaken(far).await;
    let fault = driver.await.unwrap().unwrap_err();
    assert!(
        matches!(fault, meshrpc::wire::Fault::PingTimeout(_)),
        "{fault:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_breaks_the_protocol_and_reads_nothing_is_let_go() {
    let (mut a, b) = duplex(64 << 10);
    let greeter = tokio::spawn(Connection::connect(b, Arc::default()));
    let mut hello = vec![0; 4096];
    let n = a.read(&mut hello).await.unwrap();
    greeter.abort();

    // The server's hello alone does not fit.
    let (mut near, far) = duplex(n);
    let (_server, driver) =
        Connection::accept(far, Arc::default(), Arc::new(Methods::default()) as _);
    let driver = tokio::spawn(driver.run());
    near.write_all(&hello[..n]).await.unwrap();
    near.write_all(&[0; 16]).await.unwrap();
    let fault = tokio::time::timeout(CAP, driver)
        .await
        .expect("the connection ends")
        .unwrap()
        .unwrap_err();
    assert_eq!(fault, meshrpc::wire::Fault::Checksum);
    drop(near);
}

/// Over a socket: it is writable again only when much of its buffer was read.
#[cfg(unix)]
#[tokio::test]
async fn sides_that_both_have_much_to_write_read_meanwhile() {
    let (near, far) = tokio::net::UnixStream::pair().unwrap();
    // No timer gets them going again.
    let config = Arc::new(Config {
        ping_busy: Duration::from_secs(3600),
        ping_idle: Duration::from_secs(3600),
        ..Config::default()
    });
    let (_server, driver) =
        Connection::accept(far, Arc::clone(&config), Arc::new(Methods::default()) as _);
    tokio::spawn(driver.run());
    let client = Connection::connect(near, config).await.unwrap();
    let calls: Vec<_> = (0..8)
        .map(|n| {
            let body = Bytes::from(vec![n; 2 << 20]);
            let call = client.call(head(ECHO, CallKind::Unary), body, None);
            tokio::time::timeout(CAP, call.expect("taken"))
        })
        .collect();
    for answer in calls {
        assert_eq!(answer.await.unwrap().unwrap().body.len(), 2 << 20);
    }
}

/// A pipe to a server on which a client has shaken hands and gone.
async fn shaken(mut near: DuplexStream) -> DuplexStream {
    let (mut a, b) = duplex(64 << 10);
    let client = tokio::spawn(Connection::connect(b, Arc::default()));
    let mut hello = vec![0; 4096];
    let len = a.read(&mut hello).await.unwrap();
    client.abort();
    near.write_all(&hello[..len]).await.unwrap();
    near
}

fn open_frame(id: u64, method: u64) -> Vec<u8> {
    let mut frame = Vec::new();
    let head = head(method, CallKind::Unary);
    put_frame(
        &mut frame,
        Checksum::Crc32,
        FrameType::Open,
        Flags::END,
        id,
        |out| {
            put_open(out, &head);
        },
    );
    frame
}

fn bare_server() -> (DuplexStream, JoinHandle<Result<(), meshrpc::wire::Fault>>) {
    let (near, far) = duplex(64 << 10);
    let (_, driver) = Connection::accept(far, Arc::default(), Arc::new(Methods::default()) as _);
    (near, tokio::spawn(driver.run()))
}

async fn wait_until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(CAP, wait)
        .await
        .expect("the event comes");
}
