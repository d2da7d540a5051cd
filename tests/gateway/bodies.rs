//! Bodies: large ones, slow ones, and ones that break off.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    response::Response,
    routing::{any, get as on_get, post as on_post},
};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use meshrpc::Server;
use meshrpc_tests::{
    http::{Begun, begin, send},
    process::CAP,
};
use tokio::{
    sync::{Mutex, mpsc},
    time::timeout,
};
use tower_service::Service as _;

use crate::{ask, gateway_to, get, listen, post};

const LARGE: usize = 8 << 20;

/// Pieces of a body, as a test hands them over.
type Pieces = mpsc::UnboundedReceiver<io::Result<Bytes>>;

/// A body of what comes through the channel; it ends when the sender is dropped.
fn pieces() -> (
    mpsc::UnboundedSender<io::Result<Bytes>>,
    StreamBody<impl Send + stream::Stream<Item = io::Result<Frame<Bytes>>>>,
) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let frames = stream::unfold(receiver, async |mut pieces: Pieces| {
        let piece = pieces.recv().await?;
        Some((piece.map(Frame::data), pieces))
    });
    (sender, StreamBody::new(Box::pin(frames)))
}

/// A handler whose one response has this body.
fn answering<B>(body: B) -> Server
where
    B: http_body::Body<Data = Bytes, Error = io::Error> + Send + 'static,
{
    let body = Arc::new(Mutex::new(Some(Body::new(body))));
    let answer = async move || {
        let body = body.lock().await.take();
        Response::new(body.expect("it is asked once"))
    };
    Server::builder()
        .http(Router::new().route("/body", on_get(answer)))
        .build()
}

/// Says that it was dropped.
struct Noted(mpsc::UnboundedSender<&'static str>);

impl Drop for Noted {
    fn drop(&mut self) {
        // The test may have ended.
        let _ = self.0.send("dropped");
    }
}

async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    let event = timeout(CAP, event).await;
    event.unwrap_or_else(|_| panic!("not within {CAP:?}: {what}"))
}

/// Differs from place to place.
fn large() -> Bytes {
    (0..LARGE).map(|place| (place / 7) as u8).collect()
}

#[tokio::test]
async fn large_bodies_pass_both_ways() {
    let echo = async |request: Request| {
        let body = to_bytes(request.into_body(), usize::MAX).await;
        body.expect("the body is whole")
    };
    let router = Router::new().route("/echo", any(echo));
    let address = listen(gateway_to(Server::builder().http(router).build()).await).await;
    let response = send(address, post("/it/echo", large())).await;
    let response = response.expect("it answers");
    assert_eq!(response.status(), 200);
    assert!(
        response.body() == &large(),
        "{} bytes",
        response.body().len()
    );
}

#[tokio::test]
async fn a_handler_may_answer_while_it_still_reads() {
    let echo = async |request: Request| Response::new(request.into_body());
    let router = Router::new().route("/echo", any(echo));
    let gateway = gateway_to(Server::builder().http(router).build()).await;
    let response = ask(&gateway, post("/it/echo", large())).await;
    assert!(
        response.body() == &large(),
        "{} bytes",
        response.body().len()
    );

    let (sender, body) = pieces();
    let answered = gateway.clone().call(post("/it/echo", body));
    let Ok(response) = soon("the response begins", answered).await;
    let mut body = response.into_body();
    for piece in ["one", "two", "three"] {
        let sent = sender.send(Ok(Bytes::from(piece)));
        sent.expect("the request is still read");
        let frame = soon("the piece comes back", body.frame()).await;
        let frame = frame.expect("it is not the end").expect("it is whole");
        assert_eq!(frame.into_data().ok(), Some(Bytes::from(piece)));
    }
    drop(sender);
    assert!(soon("the end", body.frame()).await.is_none());
}

#[tokio::test]
async fn a_request_that_breaks_off_takes_its_response_along() {
    let echo = async |request: Request| Response::new(request.into_body());
    let router = Router::new().route("/echo", any(echo));
    let gateway = gateway_to(Server::builder().http(router).build()).await;
    let (sender, body) = pieces();
    let answered = gateway.clone().call(post("/it/echo", body));
    let Ok(response) = soon("the response begins", answered).await;
    let torn = Err(io::Error::other("torn"));
    sender.send(torn).expect("the request is still read");
    let body = soon("an end", response.into_body().collect()).await;
    let error = body.expect_err("it is not whole");
    assert_eq!(error.to_string(), "the body broke off");
}

#[tokio::test]
async fn a_handler_need_not_read_all_of_a_body() {
    let router = Router::new().route("/deaf", on_post(async || "no"));
    let gateway = gateway_to(Server::builder().http(router).build()).await;
    let response = soon("an answer", ask(&gateway, post("/it/deaf", large()))).await;
    assert_eq!(response.body(), "no");
}

#[tokio::test]
async fn a_response_arrives_piece_by_piece() {
    let (sender, body) = pieces();
    let address = listen(gateway_to(answering(body)).await).await;
    let begun = begin(address, get("/it/body"));
    let mut begun = soon("the response begins", begun)
        .await
        .expect("it answers");
    for piece in ["one", "two", "three"] {
        let sent = sender.send(Ok(Bytes::from(piece)));
        sent.expect("the response is still sent");
        let frame = soon("the piece comes", begun.response.frame()).await;
        let frame = frame.expect("it is not the end").expect("it is whole");
        assert_eq!(frame.into_data().ok(), Some(Bytes::from(piece)));
    }
    drop(sender);
    assert!(soon("the end", begun.response.frame()).await.is_none());
}

#[tokio::test]
async fn a_response_that_breaks_off_is_an_error() {
    let (sender, body) = pieces();
    let address = listen(gateway_to(answering(body)).await).await;
    sender.send(Ok(Bytes::from("one"))).expect("it is sent");
    let mut begun = begun_with_a_piece(address).await;
    let torn = Err(io::Error::other("torn"));
    sender.send(torn).expect("the response is still sent");
    let frame = soon("an end", begun.response.frame()).await;
    assert!(matches!(frame, Some(Err(_))), "{frame:?}");
}

/// Asks for the body, and waits for its first piece.
async fn begun_with_a_piece(address: SocketAddr) -> Begun {
    let begun = begin(address, get("/it/body"));
    let mut begun = soon("the response begins", begun)
        .await
        .expect("it answers");
    assert_eq!(begun.response.status(), 200);
    let frame = soon("a piece comes", begun.response.frame()).await;
    assert!(matches!(frame, Some(Ok(_))), "{frame:?}");
    begun
}

#[tokio::test]
async fn a_response_that_breaks_off_at_once_is_never_a_whole_one() {
    let (sender, body) = pieces();
    let torn = Err(io::Error::other("torn"));
    sender.send(torn).expect("it is kept");
    let gateway = gateway_to(answering(body)).await;
    let response = gateway.clone().call(get("/it/body").map(Full::new));
    let Ok(response) = soon("an answer", response).await;
    // What had been sent of it counts no more once it failed, unless it was read before.
    if response.status().is_success() {
        let body = response.into_body().collect().await;
        assert!(body.is_err(), "it is not whole");
    } else {
        assert_eq!(response.status(), 500);
    }
}

#[tokio::test]
async fn a_handler_that_panics_in_its_body_leaves_no_whole_response() {
    let (sender, body) = pieces();
    let body = body.map_frame(|frame| {
        let piece = frame.data_ref().cloned().unwrap_or_default();
        assert_ne!(piece, "panic", "on purpose");
        frame
    });
    let address = listen(gateway_to(answering(body)).await).await;
    sender.send(Ok(Bytes::from("one"))).expect("it is sent");
    let mut begun = begun_with_a_piece(address).await;
    let piece = Ok(Bytes::from("panic"));
    sender.send(piece).expect("the response is still sent");
    let frame = soon("an end", begun.response.frame()).await;
    assert!(matches!(frame, Some(Err(_))), "{frame:?}");
}

#[tokio::test]
async fn a_request_that_breaks_off_is_never_a_whole_one() {
    let (note, mut notes) = mpsc::unbounded_channel();
    let read = async move |request: Request| {
        let noted = Noted(note.clone());
        // If it is read to its end, or to an error.
        let body = to_bytes(request.into_body(), usize::MAX).await;
        noted
            .0
            .send(if body.is_ok() { "whole" } else { "torn" })
            .expect("the test waits");
        "read"
    };
    let router = Router::new().route("/read", on_post(read));
    let gateway = gateway_to(Server::builder().http(router).build()).await;
    let (sender, body) = pieces();
    for piece in [Ok(Bytes::from("one")), Err(io::Error::other("torn"))] {
        sender.send(piece).expect("it is kept");
    }
    let answered = gateway.clone().call(post("/it/read", body));
    let Ok(response) = soon("an answer", answered).await;
    assert!(!response.status().is_success(), "{response:?}");
    // The handler may not have been reached at all: ask once more, in order.
    let answered = ask(&gateway, post("/it/read", "two")).await;
    assert_eq!(answered.status(), 200);
    let mut seen = Vec::new();
    while let Ok(note) = notes.try_recv() {
        seen.push(note);
    }
    let whole = seen.iter().filter(|note| **note == "whole").count();
    assert_eq!(whole, 1, "{seen:?}");
}

#[tokio::test]
async fn a_client_that_goes_before_the_response_cancels_the_handler() {
    let (note, mut notes) = mpsc::unbounded_channel();
    let wait = async move || {
        let noted = Noted(note.clone());
        noted.0.send("begun").expect("the test waits");
        std::future::pending::<()>().await;
    };
    let router = Router::new().route("/wait", on_get(wait));
    let address = listen(gateway_to(Server::builder().http(router).build()).await).await;
    let asked = tokio::spawn(begin(address, get("/it/wait")));
    assert_eq!(
        soon("the handler begins", notes.recv()).await,
        Some("begun")
    );
    asked.abort();
    assert_eq!(soon("it is dropped", notes.recv()).await, Some("dropped"));
}

#[tokio::test]
async fn a_client_that_goes_within_the_response_cancels_the_handler() {
    let (sender, body) = pieces();
    let address = listen(gateway_to(answering(body)).await).await;
    sender.send(Ok(Bytes::from("one"))).expect("it is sent");
    let begun = begun_with_a_piece(address).await;
    drop(begun);
    soon("the body is dropped", sender.closed()).await;
}
