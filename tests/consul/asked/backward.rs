//! An index that goes backward while nobody notices anything else.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::header::{CONTENT_TYPE, HeaderName};
use meshrpc::discovery::Resolver as _;
use meshrpc_tests::{http::send, process::eventually, real::Agent};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    client,
    lists::{names, register, until},
    open,
};
use crate::place::{RELEASES, each};

/// What stands before agents, as where an agent is reached by a name: which of them answers is
/// decided for each request.
#[derive(Clone)]
struct Front(Arc<Mutex<Behind>>);

struct Behind {
    agent: SocketAddr,
    /// The indices of health queries that were passed on to it.
    asked: Vec<u64>,
}

impl Front {
    async fn before(agent: &Agent) -> (Self, SocketAddr) {
        let behind = Behind {
            agent: agent.http(),
            asked: Vec::new(),
        };
        let front = Front(Arc::new(Mutex::new(behind)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let router = Router::new().fallback(pass_on).with_state(front.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        (front, address)
    }

    /// From the next request on `agent` answers.
    fn turn_to(&self, agent: &Agent) {
        self.change(|behind| {
            behind.agent = agent.http();
            behind.asked.clear();
        });
    }

    fn asked(&self) -> Vec<u64> {
        self.change(|behind| behind.asked.clone())
    }

    fn change<R>(&self, change: impl FnOnce(&mut Behind) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn pass_on(State(front): State<Front>, mut request: Request) -> Response {
    let path = request.uri().to_string();
    let agent = front.change(|behind| {
        if path.contains("/health/") {
            behind.asked.push(index(&path));
        }
        behind.agent
    });
    // The same in less time.
    *request.uri_mut() = path
        .replace("wait=30000ms", "wait=3000ms")
        .parse()
        .expect("it was one");
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await;
    let mut request = http::Request::builder().method(head.method).uri(head.uri);
    for name in [CONTENT_TYPE, HeaderName::from_static("x-consul-token")] {
        if let Some(value) = head.headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let request = request.body(body.expect("it is short"));
    let answered = send(agent, request.expect("it was one")).await;
    let mut response = Response::builder();
    let Ok(answered) = answered else {
        let response = response.status(502).body(Body::empty());
        return response.expect("it is one");
    };
    response = response.status(answered.status());
    if let Some(index) = answered.headers().get("x-consul-index") {
        response = response.header("x-consul-index", index);
    }
    let body = Body::from(answered.into_body());
    response.body(body).expect("it was one")
}

#[test]
fn an_index_that_goes_backward_is_begun_anew() {
    each(RELEASES, async |place| {
        let (first, second) = (place.agent().start().await, place.agent().start().await);
        let (at_first, at_second) = (client(&first), client(&second));
        register(&at_first, &[1]).await;
        // It has lived longer.
        for _ in 0..200 {
            first.put("/v1/kv/time", &json!("passes")).await;
        }
        let (front, address) = Front::before(&first).await;
        let url = format!("consul://{address}?via=plain");
        let consul = open(&url, None, &first);
        let mut list = consul.watch("echo").expect("it has a name");
        register(&at_first, &[2]).await;
        until(&mut list, "two are there", |list| {
            list.live && names(list) == ["echo-1", "echo-2"]
        })
        .await;
        register(&at_second, &[1, 2]).await;
        let query = second.get("/v1/health/service/echo?passing").await;
        let earlier = query.expect("it answers").index;
        front.turn_to(&second);
        // What is asked now wakes no query with an index that is higher.
        eventually("it is asked with the old index", async || {
            front.asked().first().is_some_and(|first| *first > earlier)
        })
        .await;
        register(&at_second, &[3]).await;
        until(&mut list, "a third comes", |list| {
            assert!(list.ready.len() >= 2, "{list:?}");
            names(list) == ["echo-1", "echo-2", "echo-3"]
        })
        .await;
        eventually("it is asked again", async || front.asked().len() > 1).await;
        assert_eq!(front.asked()[1], 0, "{:?}", front.asked());
    });
}

/// The index that a query waits on; 0 if it does not wait.
fn index(path: &str) -> u64 {
    let (_, rest) = path.split_once("index=").unwrap_or_default();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}
