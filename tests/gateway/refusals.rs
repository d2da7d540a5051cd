//! What leads to no call.

use axum::{Router, routing::get as on_get};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::{Method, Response};
use meshrpc::{Mesh, Server, gateway::Gateway, mesh_service};

use crate::{
    ask,
    calls::{Desk, LibraryHandler, library},
    gateway_to, get, json, post, request,
};

/// More than the gateway takes for one call.
const TOO_LARGE: usize = (16 << 20) + 1;

#[track_caller]
fn refused(response: &Response<Bytes>, status: u16, named: &[&str]) {
    assert_eq!(response.status(), status, "{response:?}");
    let error = &json(response)["error"];
    let code = match status {
        404 => "not_found",
        413 => "resource_exhausted",
        501 => "unimplemented",
        503 => "unavailable",
        _ => "invalid_argument",
    };
    assert_eq!(error["code"], code, "{error}");
    assert_eq!(error["started"], "no", "{error}");
    let message = error["message"].as_str().unwrap_or_default();
    for named in named {
        assert!(message.contains(named), "no `{named}` in: {message}");
    }
}

#[tokio::test]
async fn a_deployment_that_was_not_named_is_not_found() {
    let gateway = gateway_to(library(1)).await;
    for path in ["/other/desk", "/other", "/other/", "/"] {
        let response = ask(&gateway, post(path, "{}")).await;
        refused(&response, 404, &["deployment"]);
    }
    let response = ask(&gateway, get("/other/desk")).await;
    refused(&response, 404, &["`other`"]);
}

#[tokio::test]
async fn what_is_neither_method_nor_handler_is_not_found_and_both_are_named() {
    let both = Server::builder()
        .service(LibraryHandler::new(Desk(1)))
        .http(Router::new().route("/check", on_get(async || "open")))
        .build();
    for server in [library(1), both] {
        let gateway = gateway_to(server).await;
        for method in [Method::POST, Method::GET] {
            let asked = request(method, "/it/shelves/3", Bytes::new());
            let response = ask(&gateway, asked).await;
            refused(
                &response,
                404,
                &["method `shelves/3`", "handler for `/shelves/3`"],
            );
        }
    }
}

#[tokio::test]
async fn a_method_is_posted_to() {
    let gateway = gateway_to(library(1)).await;
    let response = ask(&gateway, get("/it/desk")).await;
    refused(&response, 404, &["POST"]);
}

#[tokio::test]
async fn contracts_of_the_runtime_are_not_reached() {
    let gateway = gateway_to(library(1)).await;
    let response = ask(&gateway, post("/it/meshrpc.describe", "{}")).await;
    refused(&response, 404, &[]);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_passed_on() {
    let gateway = gateway_to(library(1)).await;
    let response = ask(&gateway, post("/it/desk", vec![b' '; TOO_LARGE])).await;
    refused(&response, 413, &["16777216"]);
}

#[tokio::test]
async fn how_large_a_body_may_be_is_the_gateways_to_say() {
    let mesh = Mesh::in_process();
    let _serving = mesh
        .serve("it", library(1))
        .await
        .expect("it can be served");
    let taking = |bytes| {
        let gateway = Gateway::builder().deployment(&mesh, "it");
        gateway.max_body(bytes).build()
    };
    let asked = || post("/it/desk", "{}   ");
    let response = ask(&taking(4), asked()).await;
    refused(
        &response,
        413,
        &["more than 4 bytes", "`GatewayBuilder::max_body`"],
    );
    assert_eq!(ask(&taking(5), asked()).await.status(), 200);
    // Blanks are as good as nothing to a method without arguments.
    let large = post("/it/desk", vec![b' '; TOO_LARGE]);
    let response = ask(&taking(TOO_LARGE), large).await;
    assert_eq!(response.status(), 200, "{response:?}");
}

#[tokio::test]
async fn a_deployment_that_nobody_serves_is_unavailable() {
    let mesh = Mesh::in_process();
    let gateway = Gateway::builder().deployment(&mesh, "it").build();
    for asked in [post("/it/desk", Bytes::from("{}")), get("/it/check")] {
        let response = ask(&gateway, asked).await;
        refused(&response, 503, &["`it`"]);
    }
}

#[mesh_service]
trait Ticker {
    fn ticks(&self, count: u64) -> impl Stream<Item = anyhow::Result<u64>> + Send;
    async fn sum(&self, numbers: impl Stream<Item = u64> + Send) -> anyhow::Result<u64>;
}

struct Clock;

impl Ticker for Clock {
    fn ticks(&self, count: u64) -> impl Stream<Item = anyhow::Result<u64>> + Send {
        stream::iter(0..count).map(Ok)
    }

    async fn sum(&self, numbers: impl Stream<Item = u64> + Send) -> anyhow::Result<u64> {
        Ok(numbers.fold(0, async |sum, number| sum + number).await)
    }
}

#[tokio::test]
async fn a_method_that_streams_is_named_as_one() {
    let server = Server::builder().service(TickerHandler::new(Clock)).build();
    let gateway = gateway_to(server).await;
    for method in ["ticks", "Ticker.sum"] {
        let path = format!("/it/{method}");
        let response = ask(&gateway, post(&path, "{}")).await;
        refused(&response, 501, &[method, "streams"]);
    }
}
