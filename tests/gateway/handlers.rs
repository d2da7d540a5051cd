//! HTTP handlers that instances publish.

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{any, get as on_get},
};
use bytes::Bytes;
use http::{HeaderValue, Method};
use meshrpc::Server;
use meshrpc_tests::http::send;
use serde_json::{Value, json};

use crate::{ask, gateway_to, get, json, listen, request};

/// Says what it was asked.
async fn mirror(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await;
    let body = body.expect("the body is whole");
    let headers: BTreeMap<&str, Vec<&[u8]>> = parts
        .headers
        .keys()
        .map(|name| {
            let values = parts.headers.get_all(name).iter();
            (name.as_str(), values.map(HeaderValue::as_bytes).collect())
        })
        .collect();
    let asked = json!({
        "method": parts.method.as_str(),
        "target": parts.uri.to_string(),
        "headers": headers,
        "body": body.to_vec(),
    });
    axum::Json(asked).into_response()
}

fn handlers() -> Server {
    let teapot = async || {
        let headers = [("x-kind", "round"), ("set-cookie", "a=1")];
        let mut response = (StatusCode::IM_A_TEAPOT, headers, "short and stout").into_response();
        let second = HeaderValue::from_static("b=2");
        response.headers_mut().append("set-cookie", second);
        response
    };
    let own_hop = async || {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "x-own, close"),
            ("x-own", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authenticate", "Basic"),
            ("upgrade", "other"),
            ("x-far", "1"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers
    };
    let missing = async || (StatusCode::NOT_FOUND, "no such book");
    let router = Router::new()
        .route("/mirror", any(mirror))
        .route("/teapot", on_get(teapot))
        .route("/hop", on_get(own_hop))
        .route("/missing", on_get(missing));
    Server::builder().http(router).build()
}

#[tokio::test]
async fn a_handler_sees_the_request() {
    let address = listen(gateway_to(handlers()).await).await;
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
        let mut asked = request(method.clone(), "/it/mirror?a=1&b=%20x", "a\0body");
        let headers = asked.headers_mut();
        headers.append("x-many", HeaderValue::from_static("one"));
        headers.append("x-many", HeaderValue::from_static("two"));
        let bytes = HeaderValue::from_bytes(b"\xff\xfe").expect("it is a value");
        headers.append("x-bytes", bytes);
        let response = send(address, asked).await.expect("it answers");
        assert_eq!(response.status(), 200, "{response:?}");
        let seen: Value = json(&response);
        assert_eq!(seen["method"], method.as_str());
        assert_eq!(seen["target"], "/mirror?a=1&b=%20x");
        assert_eq!(seen["headers"]["x-many"], json!([b"one", b"two"]));
        assert_eq!(seen["headers"]["x-bytes"], json!([[0xff, 0xfe]]));
        assert_eq!(seen["body"], json!(b"a\0body"));
    }
}

#[tokio::test]
async fn a_client_sees_the_response() {
    let address = listen(gateway_to(handlers()).await).await;
    let response = send(address, get("/it/teapot")).await.expect("it answers");
    assert_eq!(response.status(), 418);
    assert_eq!(response.headers()["x-kind"], "round");
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(response.body(), "short and stout");
}

#[tokio::test]
async fn a_head_has_no_body_and_says_how_long_it_would_be() {
    let address = listen(gateway_to(handlers()).await).await;
    let asked = request(Method::HEAD, "/it/teapot", "");
    let response = send(address, asked).await.expect("it answers");
    assert_eq!(response.status(), 418);
    assert_eq!(response.headers()["content-length"], "15");
    assert_eq!(response.body(), "");
}

#[tokio::test]
async fn a_404_with_words_of_its_own_keeps_them() {
    let gateway = gateway_to(handlers()).await;
    let response = ask(&gateway, get("/it/missing")).await;
    assert_eq!(response.status(), 404);
    assert_eq!(response.body(), &Bytes::from("no such book"));
}

#[tokio::test]
async fn headers_of_one_hop_stay_there() {
    let gateway = gateway_to(handlers()).await;
    let mut asked = get("/it/mirror");
    for (name, value) in [
        ("connection", "keep-alive, X-Near"),
        ("x-near", "1"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("upgrade", "other"),
        ("proxy-authorization", "Basic eDp5"),
        ("proxy-connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("x-far", "1"),
    ] {
        let value = HeaderValue::from_static(value);
        asked.headers_mut().insert(name, value);
    }
    let seen = json(&ask(&gateway, asked).await);
    assert_eq!(seen["headers"], json!({"x-far": [b"1"]}));

    let response = ask(&gateway, get("/it/hop")).await;
    let names: Vec<_> = response
        .headers()
        .keys()
        .map(|name| name.as_str())
        .collect();
    let far: Vec<_> = names
        .iter()
        .filter(|name| **name != "content-length")
        .collect();
    assert_eq!(far, [&"x-far"], "{names:?}");
}
