//! A line for each request.

use std::{
    future::pending,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, routing::get as on_get};
use meshrpc::Server;
use meshrpc_tests::{
    http::{begin, send},
    process::eventually,
};
use tokio::sync::mpsc;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::{calls::library, gateway_to, get, listen, post};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Logs what happens on this thread, which is where everything of a test runs.
    fn begin() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// Status, method and path of each line; there have to be a latency and a peer, too.
    #[track_caller]
    fn requests(&self) -> Vec<String> {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let log = String::from_utf8_lossy(&log);
        let lines = log
            .lines()
            .filter_map(|line| Some(line.split_once("meshrpc::access: ")?.1));
        lines
            .map(|line| {
                let fields: Vec<&str> = line.split(' ').collect();
                let &[status, latency, peer, method, path] = fields.as_slice() else {
                    panic!("status, latency, peer, method and path: {line}");
                };
                assert!(latency.ends_with('s'), "a latency: {line}");
                let peer: Result<SocketAddr, _> = peer.parse();
                assert!(peer.is_ok_and(|peer| peer.ip().is_loopback()), "{line}");
                format!("{status} {method} {path}")
            })
            .collect()
    }
}

#[tokio::test]
async fn a_request_is_one_line_with_status_latency_peer_method_and_path() {
    let (log, _logging) = Log::begin();
    let address = listen(gateway_to(library(1)).await).await;
    for asked in [
        post("/it/desk", "{}"),
        post("/it/desk?secret=1", "{}"),
        post("/it/save", "{}"),
        get("/it/shelves").map(|_| ""),
    ] {
        send(address, asked).await.expect("it answers");
    }
    assert_eq!(
        log.requests(),
        [
            "200 POST /it/desk",
            "200 POST /it/desk",
            "500 POST /it/save",
            "404 GET /it/shelves",
        ]
    );
}

#[tokio::test]
async fn a_request_whose_client_goes_is_a_line_too() {
    let (log, _logging) = Log::begin();
    let (note, mut notes) = mpsc::unbounded_channel();
    let wait = async move || {
        note.send("begun").expect("the test waits");
        pending::<()>().await;
    };
    let router = Router::new().route("/wait", on_get(wait));
    let address = listen(gateway_to(Server::builder().http(router).build()).await).await;
    let asked = tokio::spawn(begin(address, get("/it/wait")));
    assert_eq!(notes.recv().await, Some("begun"));
    assert_eq!(log.requests(), [""; 0], "it is not over");
    asked.abort();
    let logged = async || !log.requests().is_empty();
    eventually("a line is logged", logged).await;
    assert_eq!(log.requests(), ["499 GET /it/wait"]);
}
