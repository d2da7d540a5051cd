//! One call for each kind of failure: kind, code, started, attempts, and who had it.

use std::{
    ffi::OsString,
    future::{Future, pending, ready},
    os::unix::ffi::OsStringExt as _,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use meshrpc::{
    Call, Code, Error, HandlerExt as _, Kind, Limit, Limits, Mesh, Server, Started, mesh_service,
    server::{Request, Response},
};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tower_layer::layer_fn;
use tower_service::Service;

use crate::{mesh_error, serve};

/// Reads even numbers only, and writes any.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub(crate) struct Even(u32);

impl TryFrom<u32> for Even {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        match number % 2 {
            0 => Ok(Even(number)),
            _ => Err(format!("{number} is odd")),
        }
    }
}

impl From<Even> for u32 {
    fn from(number: Even) -> Self {
        number.0
    }
}

/// A method for each way to fail.
#[mesh_service]
pub(crate) trait Desk {
    /// Answers.
    async fn echo(&self, text: String) -> anyhow::Result<String>;
    /// Never answers.
    async fn hang(&self) -> anyhow::Result<()>;
    /// Panics.
    async fn panics(&self) -> anyhow::Result<()>;
    /// Takes what cannot always be read.
    async fn half(&self, number: Even) -> anyhow::Result<u32>;
    /// Returns what cannot always be read.
    async fn double(&self, number: u32) -> anyhow::Result<Even>;
    /// Takes what cannot always be written.
    async fn open(&self, path: PathBuf) -> anyhow::Result<()>;
    /// Returns what cannot always be written.
    async fn home(&self) -> anyhow::Result<PathBuf>;
}

/// The same contract, a version later.
#[mesh_service(name = "Desk")]
pub(crate) trait NewDesk {
    /// Is not there yet.
    async fn later(&self) -> anyhow::Result<()>;
}

/// Another contract.
#[mesh_service]
pub(crate) trait Door {
    /// Knocks.
    async fn knock(&self) -> anyhow::Result<()>;
}

#[derive(Default)]
struct Clerk {
    calls: Arc<AtomicUsize>,
    hanging: Arc<Notify>,
    gone: Arc<Notify>,
}

struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn no_text() -> PathBuf {
    PathBuf::from(OsString::from_vec(vec![b'/', 0xff]))
}

impl Desk for Clerk {
    async fn echo(&self, text: String) -> anyhow::Result<String> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(text)
    }
    async fn hang(&self) -> anyhow::Result<()> {
        let _gone = OnDrop(Arc::clone(&self.gone));
        self.hanging.notify_one();
        pending().await
    }
    async fn panics(&self) -> anyhow::Result<()> {
        panic!("on purpose")
    }
    async fn half(&self, number: Even) -> anyhow::Result<u32> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(number.0 / 2)
    }
    async fn double(&self, number: u32) -> anyhow::Result<Even> {
        Ok(Even(number))
    }
    async fn open(&self, _: PathBuf) -> anyhow::Result<()> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    async fn home(&self) -> anyhow::Result<PathBuf> {
        Ok(no_text())
    }
}

impl Door for Clerk {
    async fn knock(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// What an error says: kind, code, started, attempts.
fn said(error: &Error) -> (Kind, Code, Started, u32) {
    assert!(!error.relayed(), "nothing was passed on: {error:?}");
    (
        error.kind(),
        error.code(),
        error.started(),
        error.attempts(),
    )
}

fn at_the_desk(error: &Error) -> bool {
    error
        .instance()
        .is_some_and(|name| name.starts_with("desk"))
}

fn second() -> Call {
    Call::new().deadline(Duration::from_secs(1))
}

#[tokio::test(start_paused = true)]
async fn unavailable_nobody_is_registered() {
    let desk = DeskClient::connect(&Mesh::in_process(), "desk");
    let mesh = Mesh::in_process();
    let nobody = DeskClient::connect(&mesh, "desk");
    for (desk, words) in [
        (nobody, "no instance of `desk` is registered"),
        (desk, "the mesh was dropped"),
    ] {
        let error = mesh_error(desk.echo("a".into()).await);
        assert_eq!(
            said(&error),
            (Kind::Unavailable, Code::Unavailable, Started::No, 0)
        );
        assert_eq!(error.instance(), None);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_exceeded() {
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "desk", DeskHandler::new(Clerk::default())).await;
    let desk = DeskClient::connect(&mesh, "desk").with(second());
    let error = mesh_error(desk.hang().await);
    assert_eq!(
        said(&error),
        (
            Kind::DeadlineExceeded,
            Code::DeadlineExceeded,
            Started::Unknown,
            1
        )
    );
    assert!(at_the_desk(&error), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_is_cancelled_at_the_callee() {
    let clerk = Clerk::default();
    let (hanging, gone) = (Arc::clone(&clerk.hanging), Arc::clone(&clerk.gone));
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "desk", DeskHandler::new(clerk)).await;
    let desk = DeskClient::connect(&mesh, "desk");
    tokio::select! {
        result = desk.hang() => panic!("it never answers, yet {result:?}"),
        () = hanging.notified() => {}
    }
    tokio::time::timeout(Duration::from_secs(20), gone.notified())
        .await
        .expect("the handler is dropped before its deadline");
}

#[tokio::test(start_paused = true)]
async fn refused_a_request_that_is_too_large() {
    let clerk = Clerk::default();
    let calls = Arc::clone(&clerk.calls);
    let mut limits = Limits::default();
    limits.max_message = 1000;
    let mesh = Mesh::in_process();
    let server = Server::builder()
        .service(DeskHandler::new(clerk))
        .limits(limits)
        .build();
    let _serving = mesh.serve("desk", server).await.expect("it can be served");
    let desk = DeskClient::connect(&mesh, "desk");
    let limit = Limit::MessageSize;
    let error = mesh_error(desk.echo("x".repeat(1001)).await);
    assert_eq!(
        said(&error),
        (
            Kind::Refused { limit },
            Code::ResourceExhausted,
            Started::No,
            0
        )
    );
    assert!(at_the_desk(&error), "{error:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn refused_metadata() {
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "desk", DeskHandler::new(Clerk::default())).await;
    let desk = DeskClient::connect(&mesh, "desk");
    let limit = Limit::Metadata;
    let many = (0..65).fold(Call::new(), |call, _| call.meta("key", "value"));
    let long = Call::new().meta("key", vec![0; 9 << 10]);
    let nameless = Call::new().meta("", "value");
    for call in [many, long, nameless] {
        let error = mesh_error(desk.with(call).echo("a".into()).await);
        assert_eq!(
            said(&error),
            (
                Kind::Refused { limit },
                Code::ResourceExhausted,
                Started::No,
                0
            )
        );
    }
}

#[tokio::test(start_paused = true)]
async fn protocol_a_method_that_the_callee_has_not_yet() {
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "desk", DeskHandler::new(Clerk::default())).await;
    let desk = NewDeskClient::connect(&mesh, "desk");
    let error = mesh_error(desk.later().await);
    assert_eq!(
        said(&error),
        (Kind::Protocol, Code::Unimplemented, Started::No, 1)
    );
    assert!(at_the_desk(&error), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("no method `Desk/later` is served there"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn protocol_a_contract_that_the_callee_does_not_serve() {
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "desk", DoorHandler::new(Clerk::default())).await;
    // The handshake names both contracts, and the instance serves one.
    let door = DoorClient::connect(&mesh, "desk");
    let desk = DeskClient::connect(&mesh, "desk");
    door.knock().await.expect("a door is there");
    let error = mesh_error(desk.echo("a".into()).await);
    assert_eq!(
        said(&error),
        (Kind::Protocol, Code::Unimplemented, Started::No, 0)
    );
    let text = error.to_string();
    assert!(text.contains("does not serve `Desk`"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_serves_no_wanted_contract_is_waited_for_until_the_deadline() {
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "desk", DoorHandler::new(Clerk::default())).await;
    let desk = DeskClient::connect(&mesh, "desk").with(second());
    let error = mesh_error(desk.echo("a".into()).await);
    assert_eq!(
        said(&error),
        (
            Kind::DeadlineExceeded,
            Code::DeadlineExceeded,
            Started::No,
            0
        )
    );
    let text = error.to_string();
    assert!(
        text.contains("serves none of the wanted contracts"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn codec_an_argument() {
    let clerk = Clerk::default();
    let calls = Arc::clone(&clerk.calls);
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "desk", DeskHandler::new(clerk)).await;
    let desk = DeskClient::connect(&mesh, "desk");

    let unread = mesh_error(desk.half(Even(3)).await);
    assert_eq!(
        said(&unread),
        (Kind::Codec, Code::InvalidArgument, Started::No, 1)
    );
    assert!(unread.to_string().contains("3 is odd"), "{unread}");

    let unwritten = mesh_error(desk.open(no_text()).await);
    assert_eq!(
        said(&unwritten),
        (Kind::Codec, Code::InvalidArgument, Started::No, 0)
    );
    let text = unwritten.to_string();
    assert!(text.contains("arguments of `open`"), "{text}");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn codec_a_result() {
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "desk", DeskHandler::new(Clerk::default())).await;
    let desk = DeskClient::connect(&mesh, "desk");
    for error in [
        mesh_error(desk.double(3).await),
        mesh_error(desk.home().await),
    ] {
        assert_eq!(
            said(&error),
            (Kind::Codec, Code::Internal, Started::Yes, 1),
            "{error}"
        );
        assert!(at_the_desk(&error), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn remote_a_handler_that_panics() {
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "desk", DeskHandler::new(Clerk::default())).await;
    let desk = DeskClient::connect(&mesh, "desk");
    let error = mesh_error(desk.panics().await);
    assert_eq!(
        said(&error),
        (Kind::Remote, Code::Internal, Started::Yes, 1)
    );
    // The next call is as good as ever.
    assert_eq!(desk.echo("a".into()).await.expect("it answers"), "a");
}

/// Lets nobody pass: by an answer of its own, or by an error.
#[derive(Clone)]
enum Guard {
    Answers(fn() -> Response),
    Fails(fn() -> Error),
}

impl Service<Request> for Guard {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        let answer = match self {
            Guard::Answers(response) => Ok(response()),
            Guard::Fails(error) => Err(error()),
        };
        Box::pin(ready(answer))
    }
}

/// The error of a call to a clerk behind `guard`.
async fn guarded(guard: Guard) -> Error {
    let clerk = Clerk::default();
    let calls = Arc::clone(&clerk.calls);
    let mesh = Mesh::in_process();
    let handler = DeskHandler::new(clerk).layer(layer_fn(move |_| guard.clone()));
    let _serving = serve(&mesh, "desk", handler).await;
    let desk = DeskClient::connect(&mesh, "desk").with(second());
    let error = mesh_error(desk.echo("a".into()).await);
    assert_eq!(calls.load(Ordering::SeqCst), 0, "nobody passes");
    error
}

#[tokio::test(start_paused = true)]
async fn denied_by_a_layer() {
    let by_answer = Guard::Answers(|| Response::denied("no token"));
    let by_error = Guard::Fails(|| Error::new(Kind::Denied, "no token"));
    for guard in [by_answer, by_error] {
        let error = guarded(guard).await;
        assert_eq!(
            said(&error),
            (Kind::Denied, Code::PermissionDenied, Started::No, 1)
        );
        assert_eq!(error.to_string(), "no token");
    }
}

#[tokio::test(start_paused = true)]
async fn refused_by_a_layer_that_sheds_load() {
    let after = Duration::from_secs(9);
    let guard = Guard::Answers(|| Response::overloaded("full", Some(Duration::from_secs(9))));
    // The time it names is longer than the caller's deadline, so it is told at once.
    let error = guarded(guard).await;
    let limit = Limit::Load;
    assert_eq!(
        said(&error),
        (
            Kind::Refused { limit },
            Code::ResourceExhausted,
            Started::No,
            1
        )
    );
    assert_eq!(error.retry_after(), Some(after));
}
