//! A server behind a sidecar: on a port, every user of the machine gets past the sidecar. It has a
//! key, or a socket that only its sidecar gets to; or it says so, once and loudly.

use meshrpc::{Mesh, discovery::Address, wire::Keys};

use crate::{
    office::{Office, open},
    quiet::Log,
};

/// How often a server on this mesh warns at its start.
async fn warnings(mesh: &Mesh) -> usize {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).finish();
    let heard = tracing::subscriber::set_default(subscriber);
    let _serving = open(mesh, |builder| builder).await;
    drop(heard);
    let text = log.text();
    assert!(text.contains("serving"), "{text}");
    let lines = text.lines().filter(|line| line.contains("WARN"));
    let loud = lines.filter(|line| line.contains("EVERY USER OF THIS MACHINE"));
    loud.count()
}

#[tokio::test]
async fn only_a_port_without_a_key_behind_a_proxy_is_warned_of() {
    let keys = Keys::new(["k".repeat(32)]).expect("a key");
    let proxied = || Office::on_tcp().behind_proxy();
    assert_eq!(warnings(&proxied().mesh()).await, 1);
    assert_eq!(warnings(&proxied().mesh().keys(keys)).await, 0);
    let folder = tempfile::tempdir().expect("a folder");
    let socket = Address::Unix(folder.path().join("doorman.sock"));
    assert_eq!(warnings(&Office::at(socket).behind_proxy().mesh()).await, 0);
    // There every user is let in by choice.
    assert_eq!(warnings(&Office::on_tcp().mesh()).await, 0);
}
