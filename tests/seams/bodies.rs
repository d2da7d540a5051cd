//! Bodies that are cut or damaged on the way: a body that ends well is whole.

use axum::{Router, body::Body, routing::post};
use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body_util::BodyExt as _;
use meshrpc::{
    Server,
    http::HTTP,
    testing::{Direction, Fault, Network, seed},
};

const LINES: usize = 400;

fn line(number: usize) -> String {
    format!("line {number} of {LINES}\n")
}

/// The request's length, and many lines.
async fn answer(request: Bytes) -> Body {
    let head = format!("{}\n", request.len());
    let lines = std::iter::once(head).chain((0..LINES).map(line));
    Body::from_stream(stream::iter(lines.map(Ok::<_, std::io::Error>)))
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_cut_is_never_taken_for_whole() {
    for direction in [Direction::ToServer, Direction::ToClient] {
        let [whole, broken] = sweep(direction, Fault::kill_at).await;
        assert!(whole > 0 && broken > 100, "{direction:?}: {whole} {broken}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_damaged_is_never_taken_for_whole() {
    for direction in [Direction::ToServer, Direction::ToClient] {
        let flip = |fault: Fault, byte| fault.flip_bit(byte, 2);
        let [whole, broken] = sweep(direction, flip).await;
        assert!(whole > 0 && broken > 100, "{direction:?}: {whole} {broken}");
    }
}

/// Sends a body and reads one, with a fault further on each time; how many came back whole, and how
/// many did not.
async fn sweep(direction: Direction, fault: impl Fn(Fault, u64) -> Fault) -> [u64; 2] {
    seed(1);
    let sent = "a row of what is sent\n".repeat(500);
    let head = format!("{}\n", sent.len());
    let expected = head + &(0..LINES).map(line).collect::<String>();
    let [mut whole, mut broken] = [0; 2];
    for byte in (0..).step_by(53) {
        let network = Network::new();
        network.inject(fault(Fault::on(direction), byte).connection(1));
        let server = Server::builder()
            .http(Router::new().route("/", post(answer)))
            .build();
        let serving = network.mesh().serve("files", server).await.unwrap();
        let channel = network.mesh().channel("files", &HTTP);
        let request = Request::post("/").body(sent.clone()).unwrap();
        let received = match channel.http(request).await {
            Ok(response) => response.into_body().collect().await.ok(),
            Err(_) => None,
        };
        match received {
            Some(body) => {
                assert_eq!(body.to_bytes(), expected, "byte {byte}");
                whole += 1;
            }
            None => broken += 1,
        }
        drop(serving);
        if network.struck() == 0 {
            break;
        }
    }
    [whole, broken]
}
