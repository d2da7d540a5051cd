//! The gateway: HTTP and JSON in, calls out.
//!
//! # Layout
//! - `calls`: methods, with JSON
//! - `refusals`: what leads to no call
//! - `handlers`: HTTP handlers that instances publish
//! - `bodies`: large ones, slow ones, and ones that break off
//! - `access_log`: a line for each request

mod access_log;
mod bodies;
mod calls;
mod handlers;
mod refusals;

use std::{future::pending, net::SocketAddr};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use meshrpc::{
    Mesh, Server, Serving,
    gateway::{self, Gateway},
};
use serde_json::Value;
use tokio::net::TcpListener;
use tower_service::Service as _;

/// A gateway to one instance of the deployment `it`, for as long as the test's runtime.
async fn gateway_to(server: Server) -> Gateway {
    let mesh = Mesh::in_process();
    let serving = serve(&mesh, server).await;
    let gateway = Gateway::builder().deployment(&mesh, "it").build();
    tokio::spawn(async move {
        let _kept = (mesh, serving);
        pending::<()>().await;
    });
    gateway
}

/// One more instance of `it`.
async fn serve(mesh: &Mesh, server: Server) -> Serving {
    let serving = mesh.serve("it", server).await;
    serving.expect("it can be served")
}

/// The gateway on a socket, for as long as the test's runtime.
async fn listen(gateway: Gateway) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("there is a free port");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(gateway::serve(listener, gateway, pending()));
    address
}

fn request<T>(method: Method, path: &str, body: T) -> Request<T> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().expect("it is a path");
    request
}

fn post<T>(path: &str, body: T) -> Request<T> {
    request(Method::POST, path, body)
}

fn get(path: &str) -> Request<Bytes> {
    request(Method::GET, path, Bytes::new())
}

/// Asks the gateway without a socket, and reads the whole answer.
async fn ask(gateway: &Gateway, request: Request<impl Into<Bytes>>) -> Response<Bytes> {
    let request = request.map(|body| Full::new(body.into()));
    let Ok(response) = gateway.clone().call(request).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("the body is whole").to_bytes();
    Response::from_parts(parts, body)
}

#[track_caller]
fn json(response: &Response<Bytes>) -> Value {
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = response.body();
    serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {body:?}"))
}
