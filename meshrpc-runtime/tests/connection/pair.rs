//! Both ends, and the methods they serve.

use std::{
    future::pending,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use meshrpc::{
    Kind, Started,
    connection::{CallFailure, Connection, Dispatch, Incoming, IncomingBody},
    wire::{
        Body, CallKind, Checksum, Codec, Config, Flags, FrameType, LocalIdentity, OpenHead, Reason,
        ReplyHead, Status, put_frame, put_open,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};

pub(crate) const ECHO: u64 = 1;
pub(crate) const HANG: u64 = 2;
pub(crate) const BIG: u64 = 3;
pub(crate) const BLOCK: u64 = 4;
pub(crate) const STREAM: u64 = 5;
pub(crate) const GATED: u64 = 6;

/// Cap on every wait: a test that reaches it has failed.
pub(crate) const CAP: Duration = Duration::from_secs(30);

pub(crate) struct Methods {
    pub(crate) started: AtomicUsize,
    pub(crate) dropped: Arc<AtomicUsize>,
    pub(crate) gate: Arc<Semaphore>,
    /// Where handlers that block their threads wait for the test.
    pub(crate) barrier: Arc<Barrier>,
    pub(crate) entered: Mutex<Option<mpsc::UnboundedSender<()>>>,
}

impl Default for Methods {
    fn default() -> Self {
        Self {
            started: AtomicUsize::new(0),
            dropped: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
            barrier: Arc::new(Barrier::new(2)),
            entered: Mutex::default(),
        }
    }
}

pub(crate) struct CountDrop(Arc<AtomicUsize>);

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
        let barrier = Arc::clone(&self.barrier);
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
                    barrier.wait();
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

pub(crate) struct Pair {
    pub(crate) client: Connection,
    pub(crate) server: Connection,
    pub(crate) methods: Arc<Methods>,
    pub(crate) driver: JoinHandle<Result<(), meshrpc::wire::Fault>>,
}

pub(crate) async fn pair() -> Pair {
    pair_with(Config::default(), Config::default()).await
}

pub(crate) async fn pair_with(client: Config, mut server: Config) -> Pair {
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

pub(crate) fn head(method: u64, kind: CallKind) -> OpenHead {
    OpenHead::new(kind, Codec::Positional, method)
}

pub(crate) async fn call(
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

pub(crate) fn lost(result: Result<Bytes, CallFailure>) -> (Started, Kind) {
    match result {
        Err(CallFailure::Lost { started, cause }) => (started, cause.kind()),
        other => panic!("a lost call, not {other:?}"),
    }
}

/// A pipe to a server on which a client has shaken hands and gone.
pub(crate) async fn shaken(mut near: DuplexStream) -> DuplexStream {
    let (mut a, b) = duplex(64 << 10);
    let client = tokio::spawn(Connection::connect(b, Arc::default()));
    let mut hello = vec![0; 4096];
    let len = a.read(&mut hello).await.unwrap();
    client.abort();
    near.write_all(&hello[..len]).await.unwrap();
    near
}

pub(crate) fn open_frame(id: u64, method: u64) -> Vec<u8> {
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

pub(crate) fn bare_server() -> (DuplexStream, JoinHandle<Result<(), meshrpc::wire::Fault>>) {
    let (near, far) = duplex(64 << 10);
    let (_, driver) = Connection::accept(far, Arc::default(), Arc::new(Methods::default()) as _);
    (near, tokio::spawn(driver.run()))
}

pub(crate) async fn wait_until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(CAP, wait)
        .await
        .expect("the event comes");
}
