//! What the tests by topic share.

pub mod command;
pub mod http;
pub mod ledger;
pub mod process;

use std::future::pending;

use meshrpc::{Channel, Handler, Mesh, Server, contract::ServiceSpec};

/// A channel to `handler`, over the real wire within this process, for as long as the test's
/// runtime.
///
/// # Panics
/// If it cannot be served.
pub async fn pair(handler: impl Handler) -> Channel {
    let mesh = Mesh::in_process();
    let spec = handler.spec();
    let server = Server::builder().service(handler).build();
    let serving = mesh
        .serve("service", server)
        .await
        .expect("a handler can be served");
    let channel = mesh.channel("service", spec);
    channel
        .wait_ready()
        .await
        .expect("the handler can be reached");
    tokio::spawn(async move {
        let _kept = (mesh, serving);
        pending::<()>().await;
    });
    channel
}

/// A channel to a deployment that no instance serves.
pub async fn nowhere() -> Channel {
    static NOTHING: ServiceSpec = ServiceSpec {
        name: "Nothing",
        methods: &[],
    };
    let mesh = Mesh::in_process();
    let channel = mesh.channel("nowhere", &NOTHING);
    tokio::spawn(async move {
        let _kept = mesh;
        pending::<()>().await;
    });
    channel
}
