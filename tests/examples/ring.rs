//! The ring as it is run: a process for each peer, and the gateway.

use std::net::SocketAddr;

use meshrpc_tests::{
    command::{Place, Running, build},
    http::{Curl, send},
};
use serde_json::{Value, json};

#[test]
fn a_state_goes_around_the_ring_and_comes_back() {
    let ring = build(&["ring"]).join("ring");
    let place = Place::new();
    let start = |role: &str| {
        let mut command = place.command(&ring);
        command.arg(role).env("HTTP_LISTEN", "127.0.0.1:0");
        Running::start(command)
    };
    let _peers = ["A", "B", "C", "D", "E"].map(start);
    let mut gateway = start("gateway");
    let listening = gateway.expect("HTTP listening");
    let address = listening.split("address=").nth(1);
    let address = address.and_then(|rest| rest.split(' ').next()?.parse().ok());
    let address: SocketAddr = address.unwrap_or_else(|| panic!("no address: {listening}"));

    let state = hop(address, r#"{"limit": 12}"#, 200);
    assert_eq!(
        [&state["hop_count"], &state["limit"], &state["queue_idx"]],
        [&json!(12), &json!(12), &json!(2)]
    );
    assert_eq!(state["queue"], json!(["A", "B", "C", "D", "E"]));
    let latencies = state["hop_latency"].as_array().map(Vec::len);
    assert_eq!(latencies, Some(12), "one for each hop: {state}");
    for time in ["start", "current", "last", "round_trip"] {
        assert!(
            state[time].as_u64().is_some_and(|time| time > 0),
            "{time}: {state}"
        );
    }

    let state = hop(address, r#"{"limit": 3, "queue": ["E", "A"]}"#, 200);
    assert_eq!(
        [&state["hop_count"], &state["queue_idx"]],
        [&json!(3), &json!(1)]
    );
    let state = hop(address, r#"{"limit": 0}"#, 200);
    assert_eq!(state["hop_latency"], json!([]));

    // The error of the second peer comes through the first.
    let refused = hop(address, r#"{"limit": 3, "queue": ["B", "C", "F"]}"#, 502);
    assert_eq!(refused, json!("there is no peer F\n"));
    hop(address, r#"{"limit": 3, "queue": []}"#, 400);
}

/// What the gateway answers, as JSON or else as text.
#[track_caller]
fn hop(address: SocketAddr, body: &str, status: u16) -> Value {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let curl = Curl::post(address, "/peer/hop", body);
    let response = runtime.block_on(send(address, curl.request()));
    let response = response.unwrap_or_else(|error| panic!("{body}: {error:#}"));
    let text = String::from_utf8_lossy(response.body()).into_owned();
    assert_eq!(response.status(), status, "{body}: {text}");
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}
